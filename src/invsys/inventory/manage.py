"""What an operator does with the inventory from a terminal: ``invsys-manage``."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is also handled while they run.
    from invsys.chassis.cli import entry_point

    entry_point.run("invsys-manage", "invsys.inventory.manage")

import logging
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate.cli import db as migrate_group

from invsys import __version__
from invsys.chassis.cli import commands
from invsys.chassis.cli.flask_script import ClickCommand, Command, Manager, Option, Shell, ShowUrls
from invsys.chassis.config.settings import SettingsError
from invsys.chassis.http.problems import Problem
from invsys.inventory import application, settings
from invsys.inventory.commands import allocate_any, create_allocation, delete_allocation, update_allocation
from invsys.inventory.commands import resources as resource_commands
from invsys.inventory.db import engine, failures, models, schema_check
from invsys.inventory.maintenance import backup, integrity_check, migrate, purge
from invsys.inventory.maintenance.backup import NotBackedUp
from invsys.inventory.maintenance.migrate import FailedMigration
from invsys.inventory.period import Period
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.transfer import exporter, importer
from invsys.inventory.transfer.columns import COLUMNS
from invsys.inventory.transfer.exporter import NotExported
from invsys.inventory.transfer.text_lines import UnusableFile

PLACE = commands.Place("The database is", "database", "url")


def _build_app(config: str | None = None) -> Flask:
    commands.choose(config)
    in_force = settings.load()
    return commands.prepare(application.build_app(in_force), in_force)


def _require_fit_to_start() -> None:
    schema_check.require_usable_at_start()
    engine.disconnect()


class OnFitDatabase(Command):
    """A command that needs a database at the newest migration."""

    def __call__(self, app: Flask, *arguments: Any, **options: Any) -> Any:
        """Say what is to be done first, where something is."""
        with app.app_context():
            schema_check.require_current_schema()
            return self.run(*arguments, **options)


class Import(OnFitDatabase):
    """Register the vehicles and make the allocations that a CSV or JSON Lines file lists."""

    description = (
        f"{__doc__} The first line of a CSV file names its columns, the members of a JSON Lines object have the same"
        f" names: {', '.join(COLUMNS)}. A line needs resource_type and name; with a period it is an allocation. The"
        " columns line and reason, which the report of refused lines has, are not read."
    )

    option_list = (
        Option("file", help="a CSV or JSON Lines file in UTF-8; - is standard input"),
        Option("--report", help="where to list refused lines (default: NAME.refused.csv or .jsonl, in this folder)"),
    )

    def run(self, file: str, report: str | None) -> int:
        """Import; the status is 1 where a line was refused."""
        outcome = importer.Outcome()
        try:
            importer.import_file(file, report, outcome)
        except KeyboardInterrupt:
            print(f"invsys-manage: interrupted; {outcome.so_far()}", file=sys.stderr)
            return 130
        except (UnusableFile, Problem) as error:
            if not outcome.lines:
                raise
            raise UnusableFile(f"{getattr(error, 'reason', error)}; {outcome.so_far()}") from error
        print(outcome)
        return 1 if outcome.refused else 0


class Export(OnFitDatabase):
    """Write every vehicle and allocation, as ``import`` reads them, to standard output."""

    option_list = (
        Option("--format", choices=["csv", "jsonl"], default="csv"),
        Option(
            "--safe-for-spreadsheets",
            action="store_true",
            help="CSV: a ' before every cell that a spreadsheet would take for a formula; import removes it",
        ),
    )

    def run(self, format: str, safe_for_spreadsheets: bool) -> None:  # noqa: A002 - the option's name
        """Export."""
        exporter.export_to_stdout(format, safe_for_spreadsheets=safe_for_spreadsheets)


class Backup(Command):
    """Copy a SQLite database to a file that is not there yet, while the service goes on."""

    option_list = (Option("file", help="where the copy is to be"),)

    def run(self, file: str) -> None:
        """Back up."""
        backup.back_up(Path(file))


class Check(OnFitDatabase):
    """Prove on the live database that no two allocations overlap, and that what keeps them apart is there."""

    def run(self) -> int:
        """Print the figures; the status is 1 where something is wrong."""
        report = integrity_check.check()
        print(report)
        return 0 if report.sound else 1


class Purge(OnFitDatabase):
    """Delete expired holds, old idempotency keys, and events older than [api] events_ttl (0: none)."""

    def __call__(self, app: Flask, *arguments: Any, **options: Any) -> Any:
        """Hand on what the settings say."""
        return super().__call__(app, commands.settings_of(app)["api"], *arguments, **options)

    def run(self, api: dict[str, Any]) -> None:
        """Purge, and print how many there were of each."""
        print(purge.purge(api["idempotency_ttl"], api["events_ttl"]))


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
    return {
        "db": models.db,
        "ContinuousResource": models.ContinuousResource,
        "ContinuousResourceAllocation": models.ContinuousResourceAllocation,
        "Event": models.Event,
        "Period": Period,
        "lookup": resource_queries,
        "register": resource_commands.register,
        "decommission": resource_commands.decommission,
        "allocate": create_allocation.allocate,
        "allocate_any": allocate_any.allocate_any,
        "change": update_allocation.update,
        "deallocate": delete_allocation.deallocate,
    }


def manager() -> Manager:
    """Build the command line."""
    made = Manager(_build_app, program="invsys-manage", version=__version__, description=__doc__)
    made.add_option("-c", "--config", dest="config", help="the settings' file")
    made.add_command("runserver", commands.RunServer(_require_fit_to_start, PLACE))
    made.add_command("serve", commands.Serve("invsys.inventory.wsgi:app", _require_fit_to_start, PLACE))
    made.add_command("shell", Shell(banner="At hand: " + ", ".join(_shell_names()), make_context=_shell_names))
    made.add_command("db", ClickCommand(migrate_group, "invsys-manage db"))
    made.add_command("urls", ShowUrls())
    for command in (commands.Config, Migrate, Import, Export, Backup, Check, Purge):
        made.add_command(command.__name__.lower(), command())
    return made


def main() -> None:
    """Run the command that the command line names; what stops it is told in a sentence, with status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with failures.faults_reported():
            manager().run()
    except (SettingsError, UnusableFile, NotExported, FailedMigration, NotBackedUp, Problem) as error:
        print(f"invsys-manage: {getattr(error, 'reason', error)}", file=sys.stderr)
        sys.exit(2)
