"""README.rst is complete: it lists all packages to install, the source tree, and all commands."""

import re

from invsys.inventory import manage
from tests.support.paths import PROJECT
from tests.support.tables import table_driven

README = (PROJECT / "README.rst").read_text()
SOURCE = PROJECT / "src/invsys"
# The packages directly in invsys, and those one level below.
PACKAGES = sorted({path.parent.relative_to(SOURCE) for form in ("*/*.py", "*/*/*.py") for path in SOURCE.glob(form)})


def section(title: str) -> str:
    return re.split(r"\n\n.+\n-{3,}\n", README.partition(f"\n{title}\n---")[2])[0]


def test_the_tree_has_at_most_25_lines():
    assert 0 < len(re.findall("^    .+", section("The source tree"), re.MULTILINE)) <= 25


@table_driven("package", PACKAGES)
def test_the_tree_shows_every_package(package):
    assert re.search(rf"^ +(\w+/  )*{package.name}/ ", section("The source tree"), re.MULTILINE)


@table_driven("command", manage.manager()._commands)
def test_every_command_is_in_the_table(command):
    assert re.search(rf"``{command}( [A-Z]+)?``", section("Commands"))


def test_the_packages_to_run_and_to_test_are_those_that_continuous_integration_installs():
    lines = re.findall(
        r"^    apt-get install -y (?:--no-install-recommends )?(.+)", section("Requirements"), re.MULTILINE
    )
    installed = re.search(r"packages=\((.+)\)", (PROJECT / ".ci/run").read_text())[1]
    assert sorted(" ".join(lines).split()) == sorted(installed.split())
