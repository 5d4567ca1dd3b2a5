"""The files of a baked service: they have the same lines as those of this project, except for the listed differences.

Links in the template need no comparison: they are files of this project.
"""

import re

import pytest
from baking import PROJECT, files

# Files of the service without a counterpart here: in the inventory, they are folders or have other names.
OWN = {
    "src/depot/api.py",
    "src/depot/schemas.py",
    "src/depot/pallets.py",
    "src/depot/db/migrations/versions/0001_pallets.py",
}
OWN |= {"debian/depot.docs", "debian/depot.manpages", "puppet/depot.yaml"}
# Names in the service and their counterparts here, the longest first.
HERE = {
    "src/depot/": "src/invsys/inventory/",
    "debian/depot.ini": "debian/inventory.ini",
    "depot": "invsys",
    "Depot": "InvSys",
}
# Regular expressions of the lines that only the baked file has. If the list is empty, it has none.
DIFFERS = {
    ".gitignore": [],
    "MANIFEST.in": [r"include AUTHORS\.rst .*"],
    "setup.py": [],
    "docs/source/conf.py": [],
    "docs/Makefile": [],
    "docs/make.bat": [],
    "requirements/docs.in": [],
    "requirements/test.in": [],
    "requirements/typing.in": [],
    "debian/source/format": [],
    "debian/depot.logrotate": [r"/var/log/invsys/invsys/invsys\.log /var/log/invsys/invsys\.log \{"],
    "debian/depot.lintian-overrides": [],
    "debian/completions/depot-manage": [
        r'    local commands="config db migrate runserver serve shell urls"',
        r"        -c \| --config\)",
    ],
    "debian/copyright": [r" +2026 The InvSys authors"],
    "debian/changelog": [
        r"  \* The first package\. .*",
        r" -- The InvSys authors <.*>  Thu, 26 Nov 2026 12:00:00 \+0000",
    ],
    "debian/control": [
        r"Maintainer: .*",
        r"Description: .*",
        r" A service for InvSys with .*",
        r" invsys-manage\. The invsys-gateway .*",
    ],
    "debian/units/depot.service": [r"Description=.*", r"LogsDirectory=.*", r"# As for the inventory .*"],
    "tox.ini": [
        r"env_list = .*",
        r"description = the tests, .*",
        r"    python -m pytest --cov --cov-report= \{posargs\}",
        # The client is checked here.
        r"set_env = PYTHONPATH = .*",
        r"commands = (mypy|lint-imports)",
    ],
    "ruff.toml": [
        r"# Files of InvSys are checked there\.",
        r"extend-exclude = \[",
        r'    "[^"]+",',
        r'"src/invsys/inventory/(manage\.py|db/migrations/\*\*)" = \[.*',
        r"\[lint\.isort\]",
        r'known-local-folder = \["tests"\]',
    ],
    "Makefile": [
        r"# make (run|deb|wheelhouse|db-upgrade-sql) .*",
        r"\.PHONY: .*",
        r"\tfor set in (requirements\.txt requirements/build\.txt|style layers docs tox build).*",
        r"\t\$\(LOCK\) --output-file requirements\.txt setup\.cfg",
        r"\t    \$\(LOCK\) --constraint requirements\.txt --output-file .*",
        r"\t        setup\.cfg .*",
        r"\trm -rf .*",
    ],
    "setup.cfg": [
        r"description = .*",
        r"install_requires =",
        r"    # the production server; .*",
        r"# files of InvSys are tested there",
        r"omit =",
        # The client is tested and checked here.
        r"(source|pythonpath|packages|mypy_path) = .*",
        r"    src/\*/.*",
        r"\[importlinter:contract:service\]",
        r"name = Calls only go down",
        # Its layers.
        r"    [a-z_]+( \| [a-z_]+)*",
    ],
    # The service has one package, so there are no macros; NAME replaces $(1).
    "debian/rules": [
        r"# A package with a virtual environment\..*",
        r"NAME = invsys",
        r"\tdh_virtualenv --noscripts .*",
        r"\tinstall .* debian/roles\.sql .*",
        r"\tcat debian/units/\$\(NAME\)\.service .*",
        r"\tdh_(installsystemd|installdeb|shlibdeps) .*",
    ],
    "debian/test-packaged": [
        r"# Run the tests with the interpreter and .*",
        r"packages=.*",
        # This project has a file that is not packaged.
        r"# The packaged code is .*",
        r"diff -r .*",
        r"PYTHONDONTWRITEBYTECODE=1 .*",
        r"    -p no:cacheprovider",
    ],
    "src/depot/application.py": [
        r'"""The application factory of the invsys service: .*',
        r"from invsys import .*",
        r"    # Answer //api/pallets with 404 .*",
        r"    (api|documentation)\.register\(app\)",
        r"    metrics\.register\(app, metrics\.allowed_networks\(settings\)\)",
        # The inventory also checks the index of its constraint.
        r"    ready = readiness\.Readiness\(",
        r"        schema_check\.require_compatible_schema, .*",
        r"    \)",
        r"    # The pages under /docs .*",
        r'    return request\.path\.startswith\("/api/"\)',
    ],
    "src/depot/default_config.ini": [
        r"; (The settings|Override them|processes,|comma-separated .* gateway;) .*",
        r"port = 5002",
        # The URL has only one host.
        r"; postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        r"; seconds to wait for a connection to the database",
    ],
}

# Regular expressions of the lines that only this project's file has, for the files that build, run and check a service.
LACKS = {
    "debian/units/depot.service": [r"Description=.*", r"LogsDirectory=.*", r"# Measured .*"],
    "debian/rules": [
        # The macros for each package, the second package, and the purge command.
        r"# Two packages, .*",
        r"# For each package: .*",
        r"(define|endef|\$\(call|\t\$\(call|override_dh_installman).*",
        r"\tdebian/units/assemble",
        r"\tinstall .* (debian/roles\.sql|debian/switch-database|docs/source/alerts\.yaml) .*",
        # The template units for several fleets.
        r"\trm -f debian/invsys@.*",
        r"\tdh_(virtualenv|installsystemd|installdeb|shlibdeps) .*",
    ],
    "tox.ini": [
        r"env_list = .*",
        r"# `make test-all` runs .*",
        r"    all = .*",
        r"(    |commands = )python -m pytest --numprocesses 3 .*",
        r"    TESTS = thorough",
        r"\[testenv:(quick|thorough|fuzz|page|scripts|clients|words|supply_chain|template|puppet)\]",
        r"description = (the (unit|tests|page)|generated requests|plain words|a baked service|the Puppet module).*",
        r"description = (static types of the page|clients generated).*",
        r"commands = python -m pytest (-rs|--numprocesses|\{posargs:src/tests/inventory/api) ?.*",
        r"set_env = (PYTHONPATH|NODE_MODULES) = .*",
        r"    (mypy|lint-imports)( .*)?",
        r"    --requirement requirements/(test|page|clients)\.txt",
        # Node.js and what it runs.
        r"deps = --requirement requirements/scripts\.txt",
        r"# the certificates that npm trusts .*",
        r"(pass_env|allowlist_externals) = (CI, SCREENSHOTS|(CI, )?NODE_EXTRA_CA_CERTS|install)",
        r"pass_env = CI, FUZZ_CASES, FUZZ_SEED",
        r"commands_pre =",
        r"    (install|npm ci) .*",
        r"commands = node .*",
        r"description = secrets in the files .*",
        r"deps = --requirement requirements/supply_chain\.txt",
        r"# both, even if .*",
        r"ignore_errors = true",
        r"    python supply_chain/.*",
        r"deps =",
        r"    --requirement requirements/template\.txt",
        r"    --requirement requirements/docs\.txt",
        r"(allowlist_externals|commands) = .*(puppet/check|docs/plain_words\.py|template/tests \{posargs\})",
    ],
    "Makefile": [
        r"# make .*",
        r"(INVENTORY|GATEWAY) = .*",
        r"\.PHONY: .*",
        r"(COMPOSE|FUZZ_CASES|(SOAK|PROVE)_\w+) \?= .*",
        r"# Without PROVE_SEED, .*",
        r"(gateway|quick|test-all|fuzz|bench|soak|prove|prove-mutants|screenshots|supply-chain|dcompose-start):.*",
        r"dcompose-restart:.*",
        r"\t((SCREENSHOTS|FUZZ_CASES)=.* )?\$\(BIN\)/tox run.*",
        r"\t\$\(COMPOSE\) .*",
        r"\t\.venv-gateway/.*",
        r"\t\$\(INSTALL\) --requirement requirements/gateway\.txt",
        r"\t\$\(BIN\)/python -m (benchmarks|proof).*",
        r"# One environment at a time: .*",
        r"# A separate environment without database libraries, .*",
        r"\.venv-gateway/.*",
        r"\t\$\(PYTHON\) -m venv \.venv-gateway",
        r"\t+ *\$\(LOCK\) .*",
        r"\t    +(--constraint|--output-file|setup\.cfg) .*",
        r"\tfor set in .*",
        # npm packages.
        r"\t\.lock/bin/pip install --quiet --requirement requirements/scripts\.txt",
        r"\t    \(cd requirements/.*",
        r"\t        --omit-lockfile-registry-resolved.*",
        r"\trm -rf .*",
    ],
}


def named(text):
    """Return a text in which the names of the service are replaced with those of this project."""
    return re.sub("|".join(HERE), lambda match: HERE[match[0]], text)


def test_every_file_has_a_counterpart_here(depot):
    missing = [path for path in files(depot) if path not in OWN and not _is_here(path)]
    assert missing == []


def _is_here(path):
    # The names of tests differ, and the chassis is a link.
    if path.startswith(("src/tests/", "src/depot/chassis/")):
        return True
    return (PROJECT / named(path)).exists()


def test_the_top_level_is_the_same(depot):
    assert {path.name for path in depot.iterdir()} <= {path.name for path in PROJECT.iterdir()}


@pytest.mark.parametrize("file", DIFFERS)
def test_a_file_has_no_other_lines_than_here_except_the_listed_ones(depot, file):
    here = _lines_here(file)
    here |= {_of_one(line) for line in here}
    _compare([line for line in _lines_there(depot, file) if line not in here], DIFFERS[file])


@pytest.mark.parametrize("file", LACKS)
def test_a_file_has_all_lines_from_here_except_the_listed_ones(depot, file):
    there = set(_lines_there(depot, file))
    _compare([line for line in _lines_here(file) if not {line, _of_one(line)} & there], LACKS[file])


def _compare(lines, allowed):
    """Check that every line matches a pattern, and every pattern matches a line."""
    assert [line for line in lines if not any(re.fullmatch(form, line) for form in allowed)] == []
    assert [form for form in allowed if not any(re.fullmatch(form, line) for line in lines)] == []


def _lines_here(file):
    return set((PROJECT / named(file)).read_text().replace("invsys.inventory", "invsys").splitlines())


def _lines_there(depot, file):
    return named((depot / file).read_text()).splitlines()


def _of_one(line):
    """Return a line of a macro (debian/rules) or function (debian/test-packaged) as it reads for a single package.

    The name replaces the parameters, and the line is not indented.
    """
    return line.replace("$(1)", "$(NAME)").replace("$(2)", "$(NAME)").removeprefix("    ")
