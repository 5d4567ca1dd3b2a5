"""The default paths are in the user's data folder, and do not depend on the working directory."""

import subprocess
import sys
from pathlib import Path

import pytest

from invsys.chassis.config import data_home
from invsys.chassis.config.settings import SettingsError
from invsys.gateway import settings as gateway_settings
from invsys.inventory import settings as inventory_settings
from tests.support.paths import PROJECT
from tests.support.tables import table_driven

NONE = "/dev/null"


@table_driven(
    ("environ", "folder"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/share"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": ""}, "/home/me/.local/share"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": "relative"}, "/home/me/.local/share"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": "/srv/data"}, "/srv/data"),
        ({"XDG_DATA_HOME": "/srv/data"}, "/srv/data"),
    ],
)
def test_the_folder_follows_the_xdg_specification(environ: dict[str, str], folder: str) -> None:
    assert data_home.folder(environ) == Path(folder)


def test_without_variables_the_folder_is_in_the_home_directory() -> None:
    assert data_home.folder({}) == Path.home() / ".local/share"


def test_the_default_paths_of_both_services_are_in_the_folder() -> None:
    environ = {"INVSYS_CONFIG": NONE, "XDG_DATA_HOME": "/srv/data"}
    database = inventory_settings.load(environ=environ)["database"]["url"]
    assert database == "sqlite:////srv/data/invsys/invsys.sqlite3"
    assert gateway_settings.load(environ=environ)["clients"]["file"] == "/srv/data/invsys/clients.ini"


def test_the_operators_settings_may_contain_the_variable(tmp_path: Path) -> None:
    (tmp_path / "own.ini").write_text("[clients]\nfile = $XDG_DATA_HOME/own.ini\n")
    settings = gateway_settings.load(str(tmp_path / "own.ini"), {"XDG_DATA_HOME": "/srv"})
    assert settings["clients"]["file"] == "/srv/own.ini"


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a user without a home directory."""

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)


@pytest.mark.usefixtures("no_home")
def test_without_a_home_directory_the_setting_is_required() -> None:
    with pytest.raises(SettingsError) as caught:
        inventory_settings.load(environ={"INVSYS_CONFIG": NONE})
    assert str(caught.value) == "[database] url: this user has no home directory; set this, or XDG_DATA_HOME"
    environ = {"INVSYS_CONFIG": NONE, "INVSYS_DATABASE_URL": "sqlite:////srv/a.sqlite3"}
    assert inventory_settings.load(environ=environ)["database"]["url"] == "sqlite:////srv/a.sqlite3"


def test_migrate_creates_the_folder_and_prints_the_location_of_the_database(tmp_path: Path) -> None:
    environ = {"INVSYS_CONFIG": NONE, "XDG_DATA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    environ["PYTHONPATH"] = str(PROJECT / "src")
    url = f"sqlite:///{tmp_path}/invsys/invsys.sqlite3"
    words = [sys.executable, "-m", "invsys.inventory", "migrate"]
    done = subprocess.run(words, env=environ, cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, f"The database is {url}")
    assert (tmp_path / "invsys/invsys.sqlite3").exists()
