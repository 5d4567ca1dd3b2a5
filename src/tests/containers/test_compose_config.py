"""docker-compose accepts the compose files without settings and with all settings, and reports a missing one."""

import re
import shutil

import pytest
import yaml

from tests.support.compose_files import EXAMPLE, FULL, PROJECT, SQLITE, TLS, VARIABLE, config, text

COMMENTED_SETTING = re.compile(r"^#(\w+=)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    """A project directory with the compose files, without .env."""
    (tmp_path / "docker").mkdir()
    for name in (FULL, TLS, SQLITE, EXAMPLE):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def services(process):
    assert process.returncode == 0, process.stderr
    return yaml.safe_load(process.stdout)["services"]


@pytest.mark.parametrize("copied", [False, True], ids=["no .env", "a copy of .env.example"])
def test_no_setting_is_required(folder, copied):
    if copied:
        shutil.copy(folder / EXAMPLE, folder / ".env")
    parsed = services(config(folder, FULL))
    assert set(parsed) == {"nginx", "gateway", "inventory", "migrations", "roles", "secret", "database"}
    assert not parsed["secret"]["environment"]["POSTGRES_PASSWORD"]
    smallest = services(config(folder, SQLITE))
    assert set(smallest) == {"gateway", "inventory", "migrations"}
    # Paths in docker/ are relative to the project directory, like those in docker-compose.yaml.
    assert {service["build"]["context"] for service in smallest.values()} == {str(folder)}


def test_only_the_secret_service_gets_a_given_password(folder):
    (folder / ".env").write_text("POSTGRES_PASSWORD=of-our-own\n")
    process = config(folder, FULL)
    assert services(process)["secret"]["environment"]["POSTGRES_PASSWORD"] == "of-our-own"
    assert process.stdout.count("of-our-own") == 1


def test_all_settings_of_the_example_are_accepted(folder):
    (folder / ".env").write_text(COMMENTED_SETTING.sub(r"\1", text(EXAMPLE)))
    assert "tls.conf" in str(services(config(folder))["nginx"]["command"])


def test_tls_without_its_folder_names_the_missing_setting(folder):
    assert "TLS_FOLDER is not set; the folder of fullchain.pem and privkey.pem" in config(folder, FULL, TLS).stderr


def test_the_example_shows_every_setting_with_its_default():
    used = {}
    for name in (SQLITE, TLS, FULL):
        used |= dict(VARIABLE.findall(text(name)))
    # PUBLISH occurs twice, first with its default.
    example = dict(reversed(re.findall(r"^#?(\w+)=(.*)$", text(EXAMPLE), re.MULTILINE)))
    without_default = {"POSTGRES_PASSWORD", "TLS_FOLDER"}
    assert {name for name, default in used.items() if not default} == without_default
    assert set(example) - set(used) == {"COMPOSE_FILE"}
    assert {name: example[name] for name in set(used) - without_default} == {
        name: default for name, default in used.items() if default
    }
