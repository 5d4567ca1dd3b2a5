"""The Dockerfile: it passes hadolint, copies only existing files, pins its packages, and does not run as root."""

import re
import shutil
import subprocess
import sysconfig

import pytest

from tests.support.compose_files import FULL, PROJECT, SQLITE, VARIABLE, text

DOCKERFILE = text("Dockerfile").replace("\\\n", " ")
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n((?:(?!FROM ).*\n)*)", DOCKERFILE, re.MULTILINE))


def test_hadolint_reports_nothing():
    program = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    assert program is not None
    process = subprocess.run([program, str(PROJECT / "Dockerfile")], check=False, capture_output=True, text=True)
    assert (process.returncode, process.stdout + process.stderr) == (0, "")


def test_copied_files_exist_and_are_not_ignored():
    copied = [
        source
        for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in words.split()[:-1]
    ]
    included = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(included)
    assert all((PROJECT / source).exists() for source in copied)


def test_everything_else_is_ignored():
    lines = [line for line in text(".dockerignore").splitlines() if not line.startswith(("#", "!"))]
    assert lines[0] == "*"


@pytest.mark.parametrize("target", ["inventory", "gateway"])
def test_a_target_has_a_port_a_health_check_and_receives_signals(target):
    stage = STAGES[target]
    [port] = re.findall(r"^EXPOSE (\d+)$", stage, re.MULTILINE)
    assert f"INVSYS_SERVER_PORT={port}" in stage
    assert re.search(rf'^HEALTHCHECK .*CMD \["python", "-c", .*http://127\.0\.0\.1:{port}/readyz', stage, re.MULTILINE)
    # Lists, so that the server gets signals without a shell in between. CMD last, because ENTRYPOINT resets it.
    assert re.search(r'^ENTRYPOINT \["invsys-(gateway-)?manage"\]\nCMD \["serve"\]\n', stage, re.MULTILINE)
    assert f"FROM service AS {target}\n" in DOCKERFILE


def test_services_run_as_a_fixed_user_that_is_not_root():
    assert "USER 10001:10001\n" in STAGES["service"]
    assert not any("USER " in STAGES[name] for name in ("inventory", "gateway"))


def test_all_installed_packages_are_pinned_by_hash():
    for line in re.findall(r"pip .*", DOCKERFILE):
        for command in line.split("&&"):
            if " install " in command or " wheel " in command:
                assert "--require-hashes" in command or "--no-deps" in command


def test_the_base_image_is_the_same_everywhere():
    [used] = re.findall(r"^ARG PYTHON_IMAGE=(.*)$", DOCKERFILE, re.MULTILINE)
    for name in (FULL, SQLITE):
        assert dict(VARIABLE.findall(text(name)))["PYTHON_IMAGE"] == used
