"""Refuses answers that would bake a service that cannot be imported, packaged or told from another one."""

import json
import keyword
import re
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

# Services of the house, and what the baked modules and their libraries are called.
TAKEN = {"invsys", "inventory", "gateway", "tests", "chassis", "flask", "alembic", "click", "sqlalchemy", "marshmallow"}
MODULES = {"api", "application", "chassis", "copying", "database", "errors", "manage", "migrating", "migrations"}
MODULES |= {"models", "revisions", "schemas", "settings", "wsgi", "db", "openapi"}


def faults(service: str, resource: str, resources: str, author: str, port: str, description: str) -> list[str]:
    """Give a sentence for each answer that cannot be used."""
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9]{1,13}", service) or keyword.iskeyword(service):
        found.append("service: 2 to 14 small letters and digits, a letter first, as it names a package here and in Debian.")
    if service in TAKEN | sys.stdlib_module_names:
        found.append(f"service: {service} is another one's name.")
    for question, word in (("resource", resource), ("resources", resources)):
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*", word) or keyword.iskeyword(word) or len(word) > 14:
            found.append(f"{question}: up to 14 small letters, and between words one _, as it names classes and tables.")
    if resource == resources:
        found.append("resources: one and several of them need different words.")
    if resources in MODULES | {service} or resource in {service, "page", "one"}:
        found.append("resource, resources: one of the service's own modules has this name.")
    if not re.fullmatch(r"[^<>\s][^<>\n]* <[^<>@\s]+@[^<>@\s]+>", author):
        found.append("author: NAME <ADDRESS>, as Debian writes it.")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1024 <= int(port) <= 65535 or port in {"5000", "5001"}:
        found.append("port: 1024 to 65535, and neither 5000 (the inventory's) nor 5001 (the gateway's).")
    if not re.fullmatch(r"[^\s%\"'\\<>&][^%\"'\\\n<>&]{0,59}", description) or description.strip() != description:
        found.append("description: one line of up to 60 characters, without quotes, %, backslashes and angle brackets.")
    return found


if found := faults(**{name: value for name, value in ANSWERS.items() if not name.startswith("_")}):
    print("\n".join(found), file=sys.stderr)
    sys.exit(1)
