"""The Debian packages: man pages, completions, settings, units and scripts agree with the code."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

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
    """Yield the name of each command that has subcommands, with the set of their names."""
    for name, command in commands.items():
        if isinstance(command, ClickCommand) and isinstance(command.command, click.Group):
            yield name, set(command.command.commands)


def test_the_man_page_lists_exactly_the_commands(package, commands):
    text = (DEBIAN / f"{package}-manage.rst").read_text().partition("COMMANDS\n")[2].partition("OPTIONS\n")[0]
    documented = {
        word.split()[0]
        for line in re.findall(r"^\*\*.*$", text, re.MULTILINE)
        for word in re.findall(r"\*\*([a-z].*?)\*\*", line)
    }
    assert documented == set(commands)


def test_the_completions_are_exactly_the_commands(package, commands):
    text = (DEBIAN / "completions" / f"{package}-manage").read_text()
    assert set(re.search(r'local commands="(.*)"', text)[1].split()) == set(commands)
    for name, subcommands in groups(commands):
        offered = set(re.search(rf'{name}\)\n\s+COMPREPLY=\(\$\(compgen -W "(.*?)"', text)[1].split())
        assert offered <= subcommands
        # Of Alembic's subcommands, only those for operators are completed.
        assert name == "db" or offered == subcommands


def test_the_settings_file_of_the_package_is_valid(package):
    _, settings, service = SERVICES[package]
    loaded = settings.load(str(DEBIAN / f"{service}.ini"), {})
    assert loaded["log"]["file"] == f"/var/log/invsys/{service}/{service}.log"
    values = {value for *_, value, origin in loaded.entries() if origin != "default"}
    assert all("/invsys/" in value for value in values)


def test_the_package_has_the_version_of_the_code():
    assert (DEBIAN / "changelog").read_text().startswith(f"invsys ({invsys.__version__}) ")


def test_the_log_is_rotated(package):
    service = SERVICES[package][2]
    rules = (DEBIAN / f"{package}.logrotate").read_text()
    # The second file is the log file in the settings of older packages.
    assert rules.startswith(f"/var/log/invsys/{service}/{service}.log /var/log/invsys/{service}.log ")
    # Also rotated by size, so that callers cannot fill the disk.
    assert {"    daily", "    maxsize 100M"} <= set(rules.splitlines())


def unit_of(package):
    """Return the systemd unit of a package as debian/rules assembles it."""
    return "\n".join((DEBIAN / "units" / name).read_text() for name in (f"{package}.service", "fence", "service"))


def test_each_service_has_its_own_log_folder_and_memory_limit(package):
    service = SERVICES[package][2]
    lines = unit_of(package).splitlines()
    assert f"LogsDirectory=invsys/{service}" in lines
    assert [line for line in lines if line.startswith("MemoryMax=")] != []
    # If memory runs out, the kernel kills one process, which the supervisor replaces; systemd would stop all of them.
    assert {"OOMPolicy=continue", "LogsDirectoryMode=0750", "UMask=0077"} <= set(lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_accepts_every_line_of_a_unit(package, tmp_path):
    # The programs and the manual are not installed here.
    text = re.sub(r"/opt/venvs/\S+", "/bin/true", unit_of(package))
    (tmp_path / f"{package}.service").write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / f"{package}.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if package in line] == []


def test_the_readme_lists_the_build_dependencies():
    source = (DEBIAN / "control").read_text().partition("\n\n")[0]
    required = set(re.findall(r"^ ([a-z0-9.-]+)", source.partition("Build-Depends:")[2], re.MULTILINE))
    readme = (DEBIAN.parent / "README.rst").read_text()
    [listed] = re.findall(r"apt-get install -y (build-essential (?:.*\\\n)*.*)", readme)
    # python3-venv depends on the interpreter.
    assert required - {"debhelper-compat"} <= set(listed.split())


def test_no_file_of_a_package_contains_a_python_release():
    # Not all folders of debian/, because builds create some there.
    folders = [DEBIAN / name for name in ("completions", "source", "tests", "units")] + [DEBIAN.parent / "template"]
    paths = [*DEBIAN.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    texts = {path: path.read_text(errors="replace") for path in paths if path.is_file() and path.suffix != ".pyc"}
    assert [str(path) for path, text in texts.items() if re.search(r"python3\.\d", text)] == []


RULES = [DEBIAN / "rules", DEBIAN.parent / "template/{{cookiecutter.service}}/debian/rules"]


@pytest.mark.parametrize("rules", RULES, ids=["here", "the template"])
def test_dependency_and_version_of_a_package_follow_the_debian_release(rules):
    text = rules.read_text()
    assert "\nPYTHON := $(shell py3versions --default)\n" in text
    assert "\nVERSION = $(DEB_VERSION)~$(RELEASE)\n" in text
    assert "\tdh_gencontrol -- -v$(VERSION) -Vvenv:Depends=$(PYTHON)\n" in text
    packages = (rules.parent / "control").read_text().split("\n\n")[1:]
    assert all("\n ${venv:Depends},\n" in package for package in packages)


def test_a_running_service_is_restarted_after_a_change_of_python():
    # preinst stores the state before the upgrade, and postinst compares it with the state afterwards.
    before, after = (
        re.search(r"[{(]\n((?:        .*\n)+)    [})] [>|]", (DEBIAN / f"invsys.{script}").read_text())[1]
        for script in ("preinst", "postinst")
    )
    assert before == after
    assert "readlink -f /opt/venvs/#PACKAGE#/bin/python\n" in before
    # The files that the supervisor has loaded; a reload does not load them again.
    names = re.findall(r"\*/(chassis/\S+)", before)
    assert {Path(name).stem for name in names} == {"reuseport", "supervisor", "worker"}
    assert all((PROJECT / "src/invsys" / name).is_file() for name in names)


def test_the_package_test_writes_migrations_where_they_are():
    folder = re.search(r"^MIGRATIONS='.*/site-packages/(\S+)'$", (DEBIAN / "tests/lifecycle").read_text(), re.MULTILINE)
    assert list((PROJECT / "src" / folder[1]).glob("0001_*.py"))


@pytest.fixture
def run_wrapper(tmp_path):
    """Return a function that runs the wrapper as root would, and returns the database URL that the command gets."""
    (tmp_path / "bin").mkdir()
    for name, script in (("id", "echo 0"), ("setpriv", 'echo "${INVSYS_DATABASE_URL-none}"')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    wrapper = tmp_path / "invsys-manage"
    wrapper.write_text((DEBIAN / "manage").read_text().replace("/etc/invsys", str(tmp_path)))

    def run(*words):
        environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", wrapper, *words], check=True, env=environ, capture_output=True, text=True)
        return done.stdout.strip()

    return run


MIGRATING = [["migrate"], ["migrate", "--on-install"], ["-c", "FILE", "migrate"], ["--config=FILE", "db", "upgrade"]]


@pytest.mark.parametrize("words", MIGRATING)
def test_migrations_use_the_url_that_only_root_can_read(run_wrapper, tmp_path, words):
    assert run_wrapper(*words) == "none"
    (tmp_path / "invsys.owner-url").write_text("postgresql://owner:%24&'x@db/invsys?a=1&b=2\n")
    assert run_wrapper(*words) == "postgresql://owner:%24&'x@db/invsys?a=1&b=2"


@pytest.mark.parametrize("words", [[], ["serve"], ["-c", "migrate", "serve"], ["import", "migrate"], ["check"]])
def test_other_commands_use_the_url_of_the_service(run_wrapper, tmp_path, words):
    (tmp_path / "invsys.owner-url").write_text("postgresql://owner@db/invsys\n")
    assert run_wrapper(*words) == "none"


@pytest.mark.parametrize(
    ("words", "variables", "data_home"),
    [
        (["check"], {}, ""),
        (["-c", "/etc/invsys/inventory.ini", "check"], {}, ""),
        (["-c", "/etc/invsys/inventory-north.ini", "check"], {}, "/var/lib/invsys/inventory-north"),
        (["-c", "/etc/invsys/inventory-north.ini20261129-1-x", "config"], {}, "/var/lib/invsys/inventory-north"),
        (["check"], {"INVSYS_CONFIG": "/etc/invsys/inventory-south-1.ini"}, "/var/lib/invsys/inventory-south-1"),
        (["-c", "/root/inventory-north.ini", "check"], {}, ""),
    ],
)
def test_the_command_of_the_package_uses_the_data_of_the_fleet(tmp_path, words, variables, data_home):
    # As root, the command switches to the user of the service with setpriv.
    for name, script in {"id": "echo 0", "setpriv": 'echo "$XDG_DATA_HOME"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    shutil.copy(DEBIAN / "manage", tmp_path / "invsys-manage")
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **variables}
    command = [tmp_path / "invsys-manage", *words]
    process = subprocess.run(command, check=True, env=environ, capture_output=True, text=True)
    assert process.stdout == f"{data_home}\n"


def test_a_command_does_not_look_for_files_in_the_home_directory_of_root(tmp_path):
    """libpq fails if it cannot read ``~/.postgresql``, where it looks for a certificate."""
    for name, script in {"id": "echo 0", "setpriv": 'echo "$HOME"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    shutil.copy(DEBIAN / "manage", tmp_path / "invsys-manage")
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/root"}
    process = subprocess.run(
        [tmp_path / "invsys-manage", "check"], check=True, env=environ, capture_output=True, text=True
    )
    assert process.stdout == "/var/lib/invsys\n"


def test_the_check_of_the_packaged_code_knows_which_files_are_not_packaged():
    """``debian/test-packaged`` compares the packaged code with the source tree."""
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    left_out = {name for names in config["options.exclude_package_data"].values() for name in names.split()}
    ignored = re.findall(r"--exclude='?([^' ]+)", (DEBIAN / "test-packaged").read_text())
    assert left_out
    assert left_out <= set(ignored)


def test_the_units_of_instances_have_the_paths_of_their_fleet(tmp_path):
    shutil.copytree(DEBIAN, tmp_path / "debian")
    subprocess.run([tmp_path / "debian/units/assemble"], check=True, capture_output=True)
    for unit in ("invsys@.service", "invsys@.invsys-purge.service"):
        text = (tmp_path / "debian" / unit).read_text()
        assert "Environment=INVSYS_CONFIG=/etc/invsys/inventory-%i.ini" in text
        assert re.findall("^LogsDirectory=(.*)", text, re.MULTILINE) == ["invsys/inventory-%i"]
        assert text.count("User=invsys") == 1
    assert "WantedBy=timers.target" in (tmp_path / "debian/invsys@.invsys-purge.timer").read_text()
