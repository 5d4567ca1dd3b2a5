"""Refuse answers with which the service could not be imported or packaged, or would conflict with another service.

If a hook fails, cookiecutter and cruft print a traceback below its message, and neither can validate answers. Therefore
the ``__check_`` variables in cookiecutter.json check the format of each answer first: cookiecutter renders each of them
directly after its question. A template cannot import modules, so they take ``re`` and ``sys.exit`` from the globals of
a class of Jinja (``cycler``).
"""

import json
import keyword
import re
import sys
from collections.abc import Iterator

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

# For each question, the regular expression of valid answers and its description, which cookiecutter.json also uses.
FORMS = ANSWERS["_forms"]
# Names and ports that services, libraries, modules and classes already use.
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
# Modules of the chassis, and classes, that are imported together with the module or the class of the resource.
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
