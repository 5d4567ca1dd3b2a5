"""The scripts of the package with instances for several fleets, run in a folder with stubs of the system's commands."""

import re
import subprocess

import pytest

from tests.support.paths import PROJECT

VALUES = {"PACKAGE": "invsys", "SERVICE": "inventory", "DATA": "inventory.sqlite3", "DEBHELPER": ""}
VALUES["MIGRATE"] = "invsys-manage migrate --on-install"
FOLDERS = ("etc/invsys", "etc/systemd/system/multi-user.target.wants", "lib/systemd/system", "run/systemd/system")
FOLDERS += ("var/lib/invsys", "var/log/invsys", "opt/venvs/invsys/bin", "opt/venvs/invsys/lib/python3.11/site-packages")
STUBS = ("addgroup", "adduser", "chown", "install", "nice", "invsys-manage", "deb-systemd-invoke", "systemctl")


class Host:
    """A root folder in which the scripts run. Each stub records its settings file and its arguments, and succeeds."""

    def __init__(self, root):
        self.root, self._calls = root, root / "calls"
        for folder in (*FOLDERS, "stubs"):
            (root / folder).mkdir(parents=True)
        for name in STUBS:
            self.stub(name)
        for unit in ("invsys.service", "invsys@.service"):
            (root / "lib/systemd/system" / unit).touch()
        for name in ("inventory", "inventory-north", "inventory-south"):
            (root / f"etc/invsys/{name}.ini").touch()

    def stub(self, name, condition="true"):
        script = self.root / "stubs" / name
        script.write_text(f'#!/bin/sh\necho "{name} $* ${{INVSYS_CONFIG##*/}}" >> {self._calls}\n{condition}\n')
        script.chmod(0o755)

    def run(self, script, *arguments):
        """Run a script of the package with the paths of this host; return its exit status and the recorded calls."""
        text = (PROJECT / f"debian/invsys.{script}").read_text()
        text = re.sub("#([A-Z]+)#", lambda match: VALUES[match[1]], text)
        text = re.sub(r"(?<=[\s\"'=(])/(?=(etc|lib|run|var|opt)/)", f"{self.root}/", text)
        text = text.replace("settings#/etc/", f"settings#{self.root}/etc/").replace("-user invsys ", "")
        environ = {"PATH": f"{self.root}/stubs:/usr/sbin:/usr/bin:/sbin:/bin"}
        process = subprocess.run(["sh", "-c", text, script, *arguments], check=False, env=environ)
        calls = self._calls.read_text().splitlines() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return process.returncode, [line.strip() for line in calls if line.startswith(("invsys-manage", "deb-systemd"))]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_an_upgrade_migrates_and_replaces_every_instance(host):
    status, calls = host.run("postinst", "configure", "0.1.0")
    assert status == 0
    names = ["inventory.ini", "inventory-north.ini", "inventory-south.ini"]
    assert calls[:3] == [f"invsys-manage migrate --on-install {name}" for name in names]
    assert [line.split()[-1] for line in calls if line.startswith("deb-systemd-invoke")] == [
        f"invsys{instance}.service" for instance in ("", "@north", "@south")
    ]
    # A restart is preceded by a check with the settings of the instance.
    assert [line for line in calls if "--check" in line] == [f"invsys-manage serve --check {name}" for name in names]


def test_an_instance_that_is_stopped_stays_stopped(host):
    host.stub("systemctl", '[ "$3" != invsys@north.service ]')
    _, calls = host.run("postinst", "configure", "0.1.0")
    assert [line.split()[-1] for line in calls if line.startswith("deb-systemd")] == [
        "invsys.service",
        "invsys@south.service",
    ]


def test_a_failed_migration_of_one_instance_replaces_none(host, capfd):
    host.stub("invsys-manage", "case $INVSYS_CONFIG in *south*) false ;; esac")
    status, calls = host.run("postinst", "configure", "0.1.0")
    assert status == 1
    assert [line for line in calls if line.startswith("deb-systemd")] == []
    assert "inventory-south.ini" in capfd.readouterr().err


def test_a_purge_removes_the_files_of_all_instances(host):
    for path in (
        "etc/invsys/invsys@north.owner-url",
        "etc/systemd/system/multi-user.target.wants/invsys@north.service",
    ):
        (host.root / path).touch()
    for path in ("var/lib/invsys/inventory-north", "var/log/invsys/inventory-north"):
        (host.root / path).mkdir()
    other = host.root / "etc/invsys/gateway.ini"
    other.touch()
    assert host.run("postrm", "purge")[0] == 0
    left = [path for folder in ("etc", "var") for path in (host.root / folder).rglob("*") if path.name.startswith("in")]
    assert [path for path in left if path.name != "invsys"] == []
    assert other.exists()
