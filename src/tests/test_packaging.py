"""What the Debian packages tell of the commands is what these can do, and the settings that they bring can be used."""

import os
import re
import shutil
import subprocess

import click
import pytest

import invsys
from invsys.chassis.cli.flask_script import ClickCommand
from invsys.gateway import manage as gateway_manage
from invsys.gateway import settings as gateway_settings
from invsys.inventory import manage as inventory_manage
from invsys.inventory import settings as inventory_settings
from tests.support.paths import PROJECT

DEBIAN = PROJECT / "debian"
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
    assert in_force["log"]["file"] == f"/var/log/invsys/{service}/{service}.log"
    brought = {value for *_, value, origin in in_force.entries() if origin != "default"}
    assert all("/invsys/" in value for value in brought)


def test_the_package_has_the_version_of_the_code():
    assert (DEBIAN / "changelog").read_text().startswith(f"invsys ({invsys.__version__}) ")


def test_its_log_is_rotated(package):
    service = SERVICES[package][2]
    rules = (DEBIAN / f"{package}.logrotate").read_text()
    # The second one is of settings that an older package brought.
    assert rules.startswith(f"/var/log/invsys/{service}/{service}.log /var/log/invsys/{service}.log {{")
    # Rotated by size too, so that callers cannot fill the disk.
    assert {"    daily", "    maxsize 100M"} <= set(rules.splitlines())


def unit_of(package):
    """Return the unit as debian/rules puts it together."""
    return "\n".join((DEBIAN / "units" / name).read_text() for name in (f"{package}.service", "fence", "service"))


def test_each_service_has_a_folder_of_logs_and_a_limit_of_memory_of_its_own(package):
    service = SERVICES[package][2]
    lines = unit_of(package).splitlines()
    assert f"LogsDirectory=invsys/{service}" in lines
    assert [line for line in lines if line.startswith("MemoryMax=")] != []
    # The kernel kills one process, which the supervisor replaces; systemd would stop all of them.
    assert {"OOMPolicy=continue", "LogsDirectoryMode=0750", "UMask=0077"} <= set(lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_every_line_of_a_unit(package, tmp_path):
    # The programs and the manual are not installed here.
    text = re.sub(r"/opt/venvs/\S+", "/bin/true", unit_of(package))
    (tmp_path / f"{package}.service").write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / f"{package}.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if package in line] == []


def test_the_readme_names_what_the_build_depends_on():
    source = (DEBIAN / "control").read_text().partition("\n\n")[0]
    needed = set(re.findall(r"^ ([a-z0-9.-]+)", source.partition("Build-Depends:")[2], re.MULTILINE))
    readme = (DEBIAN.parent / "README.rst").read_text()
    [packages] = re.findall(r"apt-get install -y (build-essential (?:.*\\\n)*.*)", readme)
    # python3-venv depends on the interpreter.
    assert needed - {"debhelper-compat"} <= set(packages.split())


def test_no_file_of_a_package_names_one_release_of_python():
    # Of debian/ itself only the files, because builds leave folders there.
    folders = [DEBIAN / name for name in ("completions", "source", "tests", "units")] + [DEBIAN.parent / "template"]
    paths = [*DEBIAN.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    texts = {path: path.read_text(errors="replace") for path in paths if path.is_file() and path.suffix != ".pyc"}
    assert [str(path) for path, text in texts.items() if re.search(r"python3\.\d", text)] == []


RULES = [DEBIAN / "rules", DEBIAN.parent / "template/{{cookiecutter.service}}/debian/rules"]


@pytest.mark.parametrize("rules", RULES, ids=["here", "the template"])
def test_a_package_depends_on_the_python_and_has_the_version_of_the_release_that_it_is_built_on(rules):
    text = rules.read_text()
    assert "\nPYTHON := $(shell py3versions --default)\n" in text
    assert "\nVERSION = $(DEB_VERSION)~$(RELEASE)\n" in text
    assert "\tdh_gencontrol -- -v$(VERSION) -Vvenv:Depends=$(PYTHON)\n" in text
    packages = (rules.parent / "control").read_text().split("\n\n")[1:]
    assert all("\n ${venv:Depends},\n" in package for package in packages)


def test_a_running_service_is_restarted_for_another_python():
    # preinst notes the state before the upgrade, postinst compares it with the state after.
    noted, compared = (
        re.search(r"[{(]\n((?:        .*\n)+)    [})] [>|]", (DEBIAN / f"invsys.{script}").read_text())[1]
        for script in ("preinst", "postinst")
    )
    assert noted == compared
    assert "readlink -f /opt/venvs/#PACKAGE#/bin/python\n" in noted
    # The files that the parent process of the workers has loaded; a reload does not replace these.
    assert all(f"/chassis/{name}.py" in noted for name in ("steering", "supervisor", "worker"))


@pytest.fixture
def typed(tmp_path):
    """Type a command of the wrapper, as root; gives the database's URL that the service's command would see."""
    (tmp_path / "bin").mkdir()
    for name, says in (("id", "echo 0"), ("setpriv", 'echo "${INVSYS_DATABASE_URL-none}"')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    wrapper = tmp_path / "invsys-manage"
    wrapper.write_text((DEBIAN / "manage").read_text().replace("/etc/invsys", str(tmp_path)))

    def typed(*words):
        environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", wrapper, *words], check=True, env=environ, capture_output=True, text=True)
        return done.stdout.strip()

    return typed


MIGRATING = [["migrate"], ["migrate", "--on-install"], ["-c", "FILE", "migrate"], ["--config=FILE", "db", "upgrade"]]


@pytest.mark.parametrize("words", MIGRATING)
def test_migrations_have_the_url_that_only_root_can_read(typed, tmp_path, words):
    assert typed(*words) == "none"
    (tmp_path / "invsys.owner-url").write_text("postgresql://owner:%24&'x@db/invsys?a=1&b=2\n")
    assert typed(*words) == "postgresql://owner:%24&'x@db/invsys?a=1&b=2"


@pytest.mark.parametrize("words", [[], ["serve"], ["-c", "migrate", "serve"], ["import", "migrate"], ["check"]])
def test_other_commands_have_the_url_of_the_service(typed, tmp_path, words):
    (tmp_path / "invsys.owner-url").write_text("postgresql://owner@db/invsys\n")
    assert typed(*words) == "none"
