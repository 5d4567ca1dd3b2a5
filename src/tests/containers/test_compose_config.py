"""docker-compose takes each of its files, with the settings that it needs; without them it says which are missing."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.containers.composing import PROJECT, SMALLEST, TLS, VARIABLE, WHOLE, config, text

COMMENTED_SETTING = re.compile(r"^#(\w+=)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    """A folder with the compose files, and no .env."""
    for name in (WHOLE, TLS, SMALLEST, ".env.example"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def make_env(folder):
    """Run README's command that makes .env."""
    [command] = re.findall(r"^    (sed .* \.env\.example > \.env)$", text("README.rst"), re.MULTILINE)
    subprocess.run(["sh", "-ec", command], check=True, cwd=folder)
    return folder / ".env"


def services(done):
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_the_smallest_form_needs_no_settings(folder):
    assert set(services(config(folder, SMALLEST))) == {"gateway", "inventory", "migrations"}


def test_the_whole_system_takes_the_env_that_readme_makes(folder):
    [line] = [line for line in make_env(folder).read_text().splitlines() if line.startswith("POSTGRES_PASSWORD")]
    name, password = line.split("=")
    made = services(config(folder, WHOLE))
    assert set(made) == {"nginx", "gateway", "inventory", "migrations", "database"}
    assert len(password) == 48
    assert made["database"]["environment"][name] == made["inventory"]["environment"]["PGPASSWORD"] == password


def test_the_smallest_form_takes_that_env_too(folder):
    make_env(folder)
    services(config(folder, SMALLEST))


@pytest.mark.parametrize("copied", [False, True], ids=["no .env", "the example as it is"])
def test_without_a_password_docker_compose_says_what_is_missing(folder, copied):
    if copied:
        shutil.copy(folder / ".env.example", folder / ".env")
    done = config(folder, WHOLE)
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD is not set; README.rst has the command" in done.stderr


def test_every_setting_of_the_example_is_taken(folder):
    env = make_env(folder)
    env.write_text(COMMENTED_SETTING.sub(r"\1", env.read_text()))
    assert "tls.conf" in str(services(config(folder))["nginx"]["command"])


def test_without_its_folder_tls_says_what_is_missing(folder):
    make_env(folder)
    assert "TLS_FOLDER is not set; the folder of fullchain.pem and privkey.pem" in config(folder, WHOLE, TLS).stderr


def test_the_example_shows_every_setting_with_its_default():
    used = {}
    for name in (SMALLEST, TLS, WHOLE):
        used |= dict(VARIABLE.findall(text(name)))
    # What is shown twice, PUBLISH, is shown with its default first.
    shown = dict(reversed(re.findall(r"^#?(\w+)=(.*)$", text(".env.example"), re.MULTILINE)))
    without_default = {"POSTGRES_PASSWORD", "TLS_FOLDER"}
    assert {name for name, default in used.items() if not default} == without_default
    assert set(shown) - set(used) == {"COMPOSE_FILE"}
    assert {name: shown[name] for name in set(used) - without_default} == {
        name: default for name, default in used.items() if default
    }
