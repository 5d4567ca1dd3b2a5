"""docker-compose takes each of its files without any settings, and with all; where one is needed it says which."""

import re
import shutil

import pytest
import yaml

from tests.support.compose_files import EXAMPLE, FULL, PROJECT, SQLITE, TLS, VARIABLE, config, text

COMMENTED_SETTING = re.compile(r"^#(\w+=)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    """A project directory with the compose files, and no .env."""
    (tmp_path / "docker").mkdir()
    for name in (FULL, TLS, SQLITE, EXAMPLE):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def services(done):
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


@pytest.mark.parametrize("copied", [False, True], ids=["no .env", "the example as it is"])
def test_nothing_has_to_be_set(folder, copied):
    if copied:
        shutil.copy(folder / EXAMPLE, folder / ".env")
    made = services(config(folder, FULL))
    assert set(made) == {"nginx", "gateway", "inventory", "migrations", "roles", "secret", "database"}
    assert not made["secret"]["environment"]["POSTGRES_PASSWORD"]
    smallest = services(config(folder, SQLITE))
    assert set(smallest) == {"gateway", "inventory", "migrations"}
    # Paths in docker/ are relative to the project directory, like those in docker-compose.yaml.
    assert {service["build"]["context"] for service in smallest.values()} == {str(folder)}


def test_a_password_that_is_given_is_told_to_nobody_but_who_writes_it_down(folder):
    (folder / ".env").write_text("POSTGRES_PASSWORD=of-our-own\n")
    done = config(folder, FULL)
    assert services(done)["secret"]["environment"]["POSTGRES_PASSWORD"] == "of-our-own"
    assert done.stdout.count("of-our-own") == 1


def test_every_setting_of_the_example_is_taken(folder):
    (folder / ".env").write_text(COMMENTED_SETTING.sub(r"\1", text(EXAMPLE)))
    assert "tls.conf" in str(services(config(folder))["nginx"]["command"])


def test_without_its_folder_tls_says_what_is_missing(folder):
    assert "TLS_FOLDER is not set; the folder of fullchain.pem and privkey.pem" in config(folder, FULL, TLS).stderr


def test_the_example_shows_every_setting_with_its_default():
    used = {}
    for name in (SQLITE, TLS, FULL):
        used |= dict(VARIABLE.findall(text(name)))
    # What is shown twice, PUBLISH, is shown with its default first.
    shown = dict(reversed(re.findall(r"^#?(\w+)=(.*)$", text(EXAMPLE), re.MULTILINE)))
    without_default = {"POSTGRES_PASSWORD", "TLS_FOLDER"}
    assert {name for name, default in used.items() if not default} == without_default
    assert set(shown) - set(used) == {"COMPOSE_FILE"}
    assert {name: shown[name] for name in set(used) - without_default} == {
        name: default for name, default in used.items() if default
    }
