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


def attach_settings(app: Flask, loaded: settings.Settings) -> Flask:
    """Store the settings in the application, where the commands find them; return the application."""
    app.extensions["invsys.settings"] = loaded
    return app


def settings_of(app: Flask) -> settings.Settings:
    """Return the settings of an application."""
    loaded: settings.Settings = app.extensions["invsys.settings"]
    return loaded


class DataLocation(NamedTuple):
    """The setting that contains the location of a service's data.

    ``words`` precede the location in the log, for example ``The database is``.
    """

    words: str
    section: str
    key: str

    def announce(self, app: Flask) -> None:
        """Log the location, without a password."""
        logger.info("%s %s", self.words, settings_of(app).masked(self.section, self.key))


def use_settings_file(path: str | None) -> None:
    """Use the settings file ``path`` in this process and its child processes; if it is None, do nothing."""
    if path is not None:
        os.environ[settings.CONFIG_VARIABLE] = str(Path(path).absolute())


class _RequestHandler(WSGIRequestHandler):
    def send_header(self, keyword: str, value: str) -> None:
        # Werkzeug's value contains its version and that of Python.
        if keyword.lower() != "server":
            super().send_header(keyword, value)


class RunServer(Server):
    """Run the development server."""

    help = description = __doc__

    def __init__(self, require_ready: Callable[[], None], location: DataLocation) -> None:
        super().__init__(host=None, port=None, request_handler=_RequestHandler)
        self._require_ready, self._location = require_ready, location

    def __call__(self, app: Flask, *, host: str | None = None, port: int | None = None, **options: Any) -> None:
        """Serve on the host and port of the command line or, by default, of the settings.

        Raises SettingsError and the exceptions of ``require_ready``.
        """
        with app.app_context():
            self._require_ready()
        _require_certificate(options.get("ssl_crt"), options.get("ssl_key"))
        request_log.show_development_server()
        server = settings_of(app)["server"]
        host, port = host or server["host"], server["port"] if port is None else port
        # Only the first process checks the port: the reloader's child process inherits its socket.
        if not is_running_from_reloader():
            listening.close(listening.listen(host, port))
            self._location.announce(app)
        super().__call__(app, host=host, port=port, **options)


def _require_certificate(certificate: str | None, key: str | None) -> None:
    """Raise SettingsError unless both files are usable or neither is set."""
    if (certificate is None) != (key is None):
        raise settings.SettingsError("--ssl-crt and --ssl-key must be used together")
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except OSError as error:  # ssl.SSLError is a subclass
            raise settings.SettingsError(f"--ssl-crt {certificate}, --ssl-key {key}: {error.strerror}") from error


class Serve(Command):
    """Run the production server."""

    option_list = (Option("--check", action="store_true", help="only check whether the server could start"),)

    def __init__(self, target: str, require_ready: Callable[[], None], location: DataLocation) -> None:
        super().__init__()
        self._target = target
        self._require_ready, self._location = require_ready, location

    def __call__(self, app: Flask, *, check: bool) -> None:
        """Replace this process with the production server of the WSGI application that was passed to ``__init__``.

        With ``check``, only check that the server could start.

        Raises SettingsError and the exceptions of ``require_ready``.
        """
        with app.app_context():
            self._require_ready()
        # Each worker opens the log file itself. Opening it here reports an error before any worker starts.
        if log := request_log.open_file(settings_of(app)["log"]):
            log.close()
        if check:
            # Port 0 means any free port: a running server may use the configured one.
            listening.close(listening.listen(settings_of(app)["server"]["host"], 0))
        else:
            server.serve(self._target, settings_of(app)["server"], os.environ, lambda: self._location.announce(app))


class Config(Command):
    """Print the effective settings and the origin of each."""

    def __call__(self, app: Flask) -> None:
        """Print the settings section by section."""
        current_section = None
        for section, key, value, origin in settings_of(app).entries():
            if section != current_section:
                print(f"{'' if current_section is None else chr(10)}[{section}]")
                current_section = section
            print(f"{key + ' = ' + value:<50} ; {origin}")
