"""What the Debian packages tell of the commands is what these can do, and the settings that they bring can be used."""

import re
from pathlib import Path

import click
import pytest

import invsys
from invsys.chassis.flask_script import ClickCommand
from invsys.gateway import manage as gateway_manage
from invsys.gateway import settings as gateway_settings
from invsys.inventory import manage as inventory_manage
from invsys.inventory import settings as inventory_settings

DEBIAN = Path(__file__).parents[2] / "debian"
SERVICES = {
    "invsys": (inventory_manage, inventory_settings, "inventory"),
    "invsys-gateway": (gateway_manage, gateway_settings, "gateway"),
}


@pytest.fixture(params=SERVICES)
def package(request):
    return request.param


@pytest.fixture
def commands(package):
    return SERVICES[package][0].manager()._commands


def groups(commands):
    """The commands that have commands of their own."""
    for name, command in commands.items():
        if isinstance(command, ClickCommand) and isinstance(command.command, click.Group):
            yield name, set(command.command.commands)


def test_the_man_page_tells_every_command_and_no_other(package, commands):
    told = (DEBIAN / f"{package}-manage.rst").read_text().partition("COMMANDS\n")[2].partition("OPTIONS\n")[0]
    named = {
        word.split()[0]
        for line in re.findall(r"^\*\*.*$", told, re.MULTILINE)
        for word in re.findall(r"\*\*([a-z].*?)\*\*", line)
    }
    assert named == set(commands)


def test_every_command_is_completed_and_no_other(package, commands):
    text = (DEBIAN / "completions" / f"{package}-manage").read_text()
    assert set(re.search(r'local commands="(.*)"', text)[1].split()) == set(commands)
    for name, inside in groups(commands):
        offered = set(re.search(rf'{name}\)\n\s+COMPREPLY=\(\$\(compgen -W "(.*?)"', text)[1].split())
        assert offered <= inside
        # Of Alembic's, only those that an operator needs.
        assert name == "db" or offered == inside


def test_the_settings_that_it_brings_can_be_used(package):
    _, settings, service = SERVICES[package]
    in_force = settings.load(str(DEBIAN / f"{service}.ini"), {})
    assert in_force["log"]["file"] == f"/var/log/invsys/{service}.log"
    brought = {value for *_, value, origin in in_force.shown() if origin != "default"}
    assert all("/invsys/" in value for value in brought)


def test_the_package_has_the_version_of_the_code():
    assert (DEBIAN / "changelog").read_text().startswith(f"invsys ({invsys.__version__}) ")


def test_its_log_is_rotated(package):
    service = SERVICES[package][2]
    rules = (DEBIAN / f"{package}.logrotate").read_text()
    assert rules.startswith(f"/var/log/invsys/{service}.log {{")
    # A caller that makes much log fills no disk: it is rotated by its size too.
    assert {"    daily", "    maxsize 100M"} <= set(rules.splitlines())


def test_the_readme_names_what_the_build_depends_on():
    source = (DEBIAN / "control").read_text().partition("\n\n")[0]
    needed = set(re.findall(r"^ ([a-z0-9.-]+)", source.partition("Build-Depends:")[2], re.MULTILINE))
    [named] = re.findall(r"``apt-get\ninstall -y (build-essential[^`]*)``", (DEBIAN.parent / "README.rst").read_text())
    # python3-venv brings the interpreter.
    assert needed - {"debhelper-compat", "python3.11"} <= set(named.split())
