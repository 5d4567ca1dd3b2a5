"""Manage the depot service: its database and its server."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is handled while they run.
    from depot.chassis.cli import entry_point

    entry_point.run("depot-manage", "depot.manage")

import logging
import sys
from typing import Any

from flask import Flask
from flask_migrate.cli import db as migrate_group

from depot import __version__, application, pallets, settings
from depot.chassis.cli import commands
from depot.chassis.cli.flask_script import ClickCommand, Command, Manager, Option, Shell, ShowUrls
from depot.chassis.config.settings import SettingsError
from depot.chassis.http.problems import Problem
from depot.db import engine, failures, models
from depot.db.schema_check import require_usable_at_start
from depot.maintenance import migrate
from depot.maintenance.migrate import MigrationError

PLACE = commands.DataLocation("The database is", "database", "url")


def _build_app(config: str | None = None) -> Flask:
    commands.use_settings_file(config)
    current = settings.load()
    return commands.attach_settings(application.build_app(current), current)


def _require_usable_database() -> None:
    require_usable_at_start()
    engine.disconnect()


class Migrate(Command):
    """Migrate the database to the newest version of its schema; a SQLite database is copied first."""

    option_list = (
        Option(
            "--on-install",
            action="store_true",
            help="do nothing if [database] migrate_on_install = no; for installation scripts",
        ),
    )

    def __call__(self, app: Flask, *, on_install: bool) -> None:
        """Migrate and print the URL of the database; with ``on_install``, only if the settings allow it."""
        if on_install and not commands.settings_of(app)["database"]["migrate_on_install"]:
            print("The database was not migrated, because [database] migrate_on_install = no.")
            return
        with app.app_context():
            migrate.migrate()
        PLACE.announce(app)


def _shell_names() -> dict[str, Any]:
    return {"db": models.db, "Pallet": models.Pallet, "pallets": pallets}


def manager() -> Manager:
    """Build the command line."""
    cli = Manager(_build_app, program="depot-manage", version=__version__, description=__doc__)
    cli.add_option("-c", "--config", dest="config", help="path of the settings file")
    cli.add_command("runserver", commands.RunServer(_require_usable_database, PLACE))
    cli.add_command("serve", commands.Serve("depot.wsgi:app", _require_usable_database, PLACE))
    cli.add_command("shell", Shell(banner="Available: " + ", ".join(_shell_names()), make_context=_shell_names))
    cli.add_command("db", ClickCommand(migrate_group, "depot-manage db"))
    cli.add_command("urls", ShowUrls())
    cli.add_command("config", commands.Config())
    cli.add_command("migrate", Migrate())
    return cli


def main() -> None:
    """Run the command given on the command line; print an expected failure in one line and exit with status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with failures.suppress_logging():
            manager().run()
    except (SettingsError, MigrationError, Problem) as error:
        print(f"depot-manage: {getattr(error, 'reason', error)}", file=sys.stderr)
        sys.exit(2)
