"""What an operator does with the depot from a terminal: ``depot-manage``."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is also handled while they run.
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
from depot.maintenance.migrate import FailedMigration

PLACE = commands.Place("The database is", "database", "url")


def _build_app(config: str | None = None) -> Flask:
    commands.choose(config)
    in_force = settings.load()
    return commands.prepare(application.build_app(in_force), in_force)


def _require_fit_to_start() -> None:
    require_usable_at_start()
    engine.disconnect()


class Migrate(Command):
    """Bring the database to the newest migration; a SQLite database is copied before."""

    option_list = (
        Option("--on-install", action="store_true", help="as the package does it: only where the settings want that"),
    )

    def __call__(self, app: Flask, *, on_install: bool) -> None:
        """Migrate, unless this is an installation and the settings leave that to somebody else."""
        if on_install and not commands.settings_of(app)["database"]["migrate_on_install"]:
            print("The database is left as it is: [database] migrate_on_install = no.")
            return
        with app.app_context():
            migrate.migrate()
        PLACE.announce(app)


def _shell_names() -> dict[str, Any]:
    return {"db": models.db, "Pallet": models.Pallet, "pallets": pallets}


def manager() -> Manager:
    """Build the command line."""
    made = Manager(_build_app, program="depot-manage", version=__version__, description=__doc__)
    made.add_option("-c", "--config", dest="config", help="the settings' file")
    made.add_command("runserver", commands.RunServer(_require_fit_to_start, PLACE))
    made.add_command("serve", commands.Serve("depot.wsgi:app", _require_fit_to_start, PLACE))
    made.add_command("shell", Shell(banner="At hand: " + ", ".join(_shell_names()), make_context=_shell_names))
    made.add_command("db", ClickCommand(migrate_group, "depot-manage db"))
    made.add_command("urls", ShowUrls())
    made.add_command("config", commands.Config())
    made.add_command("migrate", Migrate())
    return made


def main() -> None:
    """Run the command that the command line names; what stops it is told in a sentence, with status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with failures.faults_reported():
            manager().run()
    except (SettingsError, FailedMigration, Problem) as error:
        print(f"depot-manage: {getattr(error, 'reason', error)}", file=sys.stderr)
        sys.exit(2)
