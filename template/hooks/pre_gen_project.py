"""Refuse answers with which the service could not be imported or packaged, or would conflict with another one.

cookiecutter and cruft print a traceback after the message of a hook. Therefore the format of each answer is also
checked immediately, by the ``__check_`` variables of cookiecutter.json. These are rendered between two questions, and
reach ``re`` and ``sys.exit`` through a class of Jinja, because neither tool can validate answers.
"""

import json
import keyword
import re
import sys
from collections.abc import Iterator

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

# For each answer: its pattern, and a description of it. cookiecutter.json checks it when the question is answered.
FORMS = ANSWERS["_forms"]
# Names that are taken by services, libraries, ports, modules and classes.
SERVICES = {
    "invsys",
    "inventory",
    "gateway",
    "tests",
    "alembic",
    "click",
    "flask",
    "granian",
    "marshmallow",
    "sqlalchemy",
}
PORTS = {"5000", "5001"}
MODULES = {"api", "application", "chassis", "database", "db", "errors", "maintenance", "manage", "schemas", "settings"}
MODULES |= {"engine", "failures", "session", "wsgi", "one", "page", "register", "change", "remove"}
# The modules of the chassis and the classes that modules import together with those of the resource.
MODULES |= {"client_id", "conditional", "problems", "query_string", "request_body", "responses"}
CLASSES = {"Any", "Callable", "Collection", "DateTime", "Dialect", "Flask", "Input", "Mapped", "MetaData", "PageQuery"}
CLASSES |= {"Response", "Schema", "Sequence", "Session", "String", "TypeDecorator", "UtcDateTime", "ValidationError"}


def faults(answers: dict[str, str]) -> Iterator[str]:
    """Yield a sentence for each answer that cannot be used."""
    for question, (form, words) in FORMS.items():
        if not re.fullmatch(form, answers[question]) or keyword.iskeyword(answers[question]):
            yield f"{question}: {words}."
    if answers["service"] in SERVICES | sys.stdlib_module_names:
        yield f"service: the name {answers['service']} is already in use."
    if answers["port"] in PORTS:
        yield f"port: {answers['port']} is the port of another service."
    names = [answers["service"], answers["resource"], answers["resources"]]
    if len({*names}) < len(names) or MODULES.intersection(names):
        yield "service, resource, resources: choose three different names that no module of the service has."
    if "".join(word.capitalize() for word in answers["resource"].split("_")) in CLASSES:
        yield f"resource: {answers['resource']} is the name of a class that the service uses."


if messages := "\n".join(faults(ANSWERS)):
    sys.exit(messages)
