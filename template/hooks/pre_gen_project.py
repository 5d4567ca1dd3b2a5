"""Refuses answers that would bake a service that cannot be imported, packaged or told from another one.

cookiecutter and cruft print a traceback after the message of a hook. So the forms of the answers are also checked when
an answer is given, by the ``__check_`` variables of cookiecutter.json: these are rendered between two questions, and
reach ``re`` and ``sys.exit`` through a class of Jinja, because neither tool has a way to check answers.
"""

import json
import keyword
import re
import sys
from collections.abc import Iterator

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

# Of each answer: what it has to match, and the same in words. cookiecutter.json checks these when an answer is given.
FORMS = ANSWERS["_forms"]
# The services and ports of the house, the libraries under a service, the modules and names inside.
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
MODULES |= {"session", "wsgi", "one", "page", "register", "change", "remove"}
# What the modules that name the resource import: modules of the chassis beside its own module, classes beside its own.
MODULES |= {"client_id", "conditional", "problems", "query_string", "request_body", "responses"}
CLASSES = {"Any", "Callable", "Collection", "DateTime", "Dialect", "Flask", "Input", "Mapped", "MetaData", "PageQuery"}
CLASSES |= {"Response", "Schema", "Sequence", "Session", "String", "TypeDecorator", "UtcDateTime", "ValidationError"}


def faults(answers: dict[str, str]) -> Iterator[str]:
    """Give a sentence for each answer that cannot be used."""
    for question, (form, words) in FORMS.items():
        if not re.fullmatch(form, answers[question]) or keyword.iskeyword(answers[question]):
            yield f"{question}: {words}."
    if answers["service"] in SERVICES | sys.stdlib_module_names:
        yield f"service: {answers['service']} is another one's name."
    if answers["port"] in PORTS:
        yield f"port: {answers['port']} is another service's."
    names = [answers["service"], answers["resource"], answers["resources"]]
    if len({*names}) < len(names) or MODULES.intersection(names):
        yield "service, resource, resources: three names, and none that a module of the service has."
    if "".join(word.capitalize() for word in answers["resource"].split("_")) in CLASSES:
        yield f"resource: {answers['resource']} is the name of a class that the service uses."


if found := "\n".join(faults(ANSWERS)):
    sys.exit(found)
