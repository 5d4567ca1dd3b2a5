"""The commands that ``manage.py`` of every service has: serve, runserver, config."""

import logging
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, is_running_from_reloader

from invsys.chassis.cli.flask_script import Command, Option, Server
from invsys.chassis.config import settings
from invsys.chassis.ops import request_log
from invsys.chassis.server import command as server
from invsys.chassis.server import listening

logger = logging.getLogger("invsys.commands")


def prepare(app: Flask, in_force: settings.Settings) -> Flask:
    """Let the commands find the settings in the application."""
    app.extensions["invsys.settings"] = in_force
    return app


def settings_of(app: Flask) -> settings.Settings:
    """Give the settings in force."""
    in_force: settings.Settings = app.extensions["invsys.settings"]
    return in_force


class Place(NamedTuple):
    """The setting that says where the data of a service are, and how it is announced: ``"The database is"``."""

    words: str
    section: str
    key: str

    def announce(self, app: Flask) -> None:
        """Print the place on standard error, without a password."""
        logger.info("%s %s", self.words, settings_of(app).masked(self.section, self.key))


def choose(config: str | None) -> None:
    """Let every process that is started from here read this settings' file, if one was chosen."""
    if config is not None:
        os.environ[settings.CONFIG_VARIABLE] = str(Path(config).absolute())


class _RequestHandler(WSGIRequestHandler):
    def send_header(self, keyword: str, value: str) -> None:
        # Werkzeug's own value would name its version and that of Python.
        if keyword.lower() != "server":
            super().send_header(keyword, value)


class RunServer(Server):
    """Run the development server."""

    help = description = __doc__

    def __init__(self, require_ready: Callable[[], None], place: Place) -> None:
        super().__init__(host=None, port=None, request_handler=_RequestHandler)
        self._require_ready, self._place = require_ready, place

    def __call__(self, app: Flask, *, host: str | None = None, port: int | None = None, **options: Any) -> None:
        """Listen where the settings say, unless the command line says otherwise; raises what stands in the way."""
        with app.app_context():
            self._require_ready()
        _require_certificate(options.get("ssl_crt"), options.get("ssl_key"))
        request_log.show_development_server()
        server = settings_of(app)["server"]
        host, port = host or server["host"], server["port"] if port is None else port
        # The reloader's process gets the socket that the first process opened.
        if not is_running_from_reloader():
            listening.close(listening.listen(host, port))
            self._place.announce(app)
        super().__call__(app, host=host, port=port, **options)


def _require_certificate(certificate: str | None, key: str | None) -> None:
    """Raise SettingsError unless both files can be used, or neither is named."""
    if (certificate is None) != (key is None):
        raise settings.SettingsError("--ssl-crt and --ssl-key belong together")
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except OSError as error:  # also what ssl itself raises
            raise settings.SettingsError(f"--ssl-crt {certificate}, --ssl-key {key}: {error.strerror}") from error


class Serve(Command):
    """Run the production server."""

    option_list = (Option("--check", action="store_true", help="only say what would stand in the way of it"),)

    def __init__(self, target: str, require_ready: Callable[[], None], place: Place) -> None:
        super().__init__()
        self._target = target
        self._require_ready, self._place = require_ready, place

    def __call__(self, app: Flask, *, check: bool) -> None:
        """Replace this process by the server of ``target`` (``module:name``); raises what stands in the way."""
        with app.app_context():
            self._require_ready()
        # Each worker opens it for itself; what stands in the way is better said before there are any.
        if log := request_log.open_file(settings_of(app)["log"]):
            log.close()
        if check:
            # On any free port, because the running server uses the port of the settings.
            listening.close(listening.listen(settings_of(app)["server"]["host"], 0))
        else:
            server.serve(self._target, settings_of(app)["server"], os.environ, lambda: self._place.announce(app))


class Config(Command):
    """Print the settings in force, and where each came from."""

    def __call__(self, app: Flask) -> None:
        """Print them, section by section."""
        printed = None
        for section, key, value, origin in settings_of(app).shown():
            if section != printed:
                print(f"{'' if printed is None else chr(10)}[{section}]")
                printed = section
            print(f"{key + ' = ' + value:<50} ; {origin}")
