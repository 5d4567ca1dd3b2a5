"""The log in a file, which logrotate renames while several processes write to it."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from invsys.chassis.config.settings import SettingsError
from invsys.chassis.http import request_id
from invsys.chassis.ops import metrics, request_log

Configure = Callable[[Path], None]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Return a function that configures logging to a file."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers, logging.getLogger().level
    root.handlers = []

    def configure(file: Path) -> None:
        request_log.configure({"level": "info", "file": str(file)})

    yield configure
    # Closes the file.
    request_log.configure({"level": "info", "file": ""})
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    for module in (request_log, request_id, metrics):
        module.register(app)
    app.add_url_rule("/cars", "cars", lambda: "")
    return app


def messages(file: Path) -> list[Any]:
    return [json.loads(line)["message"] for line in file.read_text("utf-8").splitlines()]


def test_requests_and_records_are_written_to_the_file(app: Flask, configure: Configure, tmp_path: Path) -> None:
    file = tmp_path / "log"
    configure(file)
    app.test_client().get("/cars")
    logging.getLogger("a").warning("logged \N{AUTOMOBILE}")
    assert messages(file) == ["request", "logged \N{AUTOMOBILE}"]


def test_lines_are_appended(app: Flask, configure: Configure, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text('{"message": "before"}\n')
    configure(file)
    app.test_client().get("/cars")
    assert messages(file) == ["before", "request"]


def test_a_renamed_file_is_opened_again(app: Flask, configure: Configure, tmp_path: Path) -> None:
    file, rotated = tmp_path / "log", tmp_path / "log.1"
    configure(file)
    app.test_client().get("/cars")
    file.rename(rotated)
    app.test_client().get("/cars")
    logging.getLogger("a").warning("logged")
    assert messages(rotated) == ["request"]
    assert messages(file) == ["request", "logged"]


def test_a_request_succeeds_if_its_line_cannot_be_written(app: Flask, configure: Configure, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    configure(folder / "log")
    (folder / "log").unlink()
    folder.rmdir()
    assert app.test_client().get("/cars").status_code == 200
    folder.mkdir()
    assert app.test_client().get("/cars").status_code == 200
    assert messages(folder / "log") == ["request"]


def test_a_file_that_cannot_be_opened_is_an_error_of_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[log\] file: cannot be written: .*nowhere/log"):
        request_log.configure({"level": "info", "file": str(tmp_path / "nowhere" / "log")})
