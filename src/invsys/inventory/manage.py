"""Manage the inventory service: its database, its data and its server."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is handled while they run.
    from invsys.chassis.cli import entry_point

    entry_point.run("invsys-manage", "invsys.inventory.manage")

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
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
from invsys.inventory.db import engine, failures, models, schema_check, session
from invsys.inventory.maintenance import archive, backup, demo, integrity_check, migrate, purge, usable_database
from invsys.inventory.maintenance.backup import BackupError
from invsys.inventory.maintenance.demo import DemoRefused
from invsys.inventory.maintenance.migrate import MigrationError
from invsys.inventory.period import Period
from invsys.inventory.queries import allocations as allocation_queries
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.transfer import exporter, importer
from invsys.inventory.transfer.columns import COLUMNS
from invsys.inventory.transfer.exporter import ExportError
from invsys.inventory.transfer.text_lines import UnusableFile

PLACE = commands.DataLocation("The database is", "database", "url")


def _build_app(config: str | None = None) -> Flask:
    commands.use_settings_file(config)
    current = settings.load()
    return commands.attach_settings(application.build_app(current), current)


def _require_usable_database() -> None:
    usable_database.require_at_start()
    engine.disconnect()


class DatabaseCommand(Command):
    """A command that needs a database at the newest migration."""

    def __call__(self, app: Flask, *arguments: Any, **options: Any) -> Any:
        """Run the command; raises a Problem if the database cannot be used."""
        with app.app_context():
            schema_check.require_current_schema()
            return self.run(*arguments, **options)


class Import(DatabaseCommand):
    """Import vehicles and allocations from a CSV or JSON Lines file."""

    description = (
        f"{__doc__} The first line of a CSV file names its columns; the members of JSON Lines objects have the same"
        f" names: {', '.join(COLUMNS)}. Every line needs resource_type and name. A line with a period also creates an"
        " allocation. The columns line and reason, from a report of refused lines, are ignored."
    )

    option_list = (
        Option("file", help="CSV or JSON Lines file in UTF-8; - reads standard input"),
        Option("--report", help="file for refused lines (default: NAME.refused.csv or .jsonl in this directory)"),
    )

    def run(self, file: str, report: str | None) -> int:
        """Import the file and print the counts; return 1 if a line was refused, 130 after Ctrl-C."""
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


class Export(DatabaseCommand):
    """Write all vehicles and confirmed allocations to standard output, in the format that import reads."""

    option_list = (
        Option("--format", choices=["csv", "jsonl"], default="csv"),
        Option(
            "--safe-for-spreadsheets",
            action="store_true",
            help="CSV: add a ' before every cell that a spreadsheet would read as a formula; import removes it",
        ),
    )

    def run(self, format: str, safe_for_spreadsheets: bool) -> None:  # noqa: A002 - the option's name
        """Write the lines."""
        exporter.export_to_stdout(format, safe_for_spreadsheets=safe_for_spreadsheets)


class Backup(Command):
    """Copy a SQLite database to a new file while the service runs."""

    option_list = (Option("file", help="path of the copy; the file must not exist"),)

    def run(self, file: str) -> None:
        """Write the copy."""
        backup.back_up(Path(file))


class Check(DatabaseCommand):
    """Verify that no two allocations overlap, and that the database rejects overlaps."""

    def run(self) -> int:
        """Print the report; return 1 if the check failed."""
        report = integrity_check.check()
        print(report)
        return 0 if report.ok else 1


class Purge(DatabaseCommand):
    """Delete expired holds, old idempotency keys, and events older than [api] events_ttl days (0: keep all)."""

    def __call__(self, app: Flask, *arguments: Any, **options: Any) -> Any:
        """Run the command with the section [api] of the settings."""
        return super().__call__(app, commands.settings_of(app)["api"], *arguments, **options)

    def run(self, api: dict[str, Any]) -> None:
        """Purge, and print the number of deleted rows of each kind."""
        print(purge.purge(api["idempotency_ttl"], api["events_ttl"]))


class Archive(DatabaseCommand):
    """Move allocations that ended more than [history] keep days ago to the archive (0: move none)."""

    option_list = (Option("--keep", type=float, metavar="DAYS", help="days instead of [history] keep; also 0.5"),)

    def __call__(self, app: Flask, *arguments: Any, **options: Any) -> Any:
        """Run the command with the section [history] of the settings."""
        return super().__call__(app, commands.settings_of(app)["history"], *arguments, **options)

    def run(self, history: dict[str, Any], keep: float | None) -> int:
        """Archive, and print the number of allocations; return 130 after Ctrl-C."""
        days = history["keep"] if keep is None else keep
        if not 0 <= days <= settings.MAX_KEEP:
            raise SettingsError(f"--keep takes 0 to {settings.MAX_KEEP} days")
        if days == 0:
            print("Nothing was archived: [history] keep = 0 keeps all allocations where they are.")
            return 0
        progress = archive.Archived()
        try:
            archive.archive(days, progress)
        except KeyboardInterrupt:
            print(f"invsys-manage: interrupted; {progress}", file=sys.stderr)
            return 130
        print(progress)
        return 0


class Demo(DatabaseCommand):
    """Create a demonstration fleet: vehicles of each type, and their allocations in the two weeks around now."""

    option_list = (
        Option("--add", action="store_true", help="also if the database has vehicles; they stay as they are"),
        Option("--seed", type=int, default=1, help="a number; another one gives another fleet (default: 1)"),
    )

    def run(self, add: bool, seed: int) -> int:
        """Create the fleet and print its size; return 130 after Ctrl-C."""
        created = demo.Created()
        try:
            demo.create(seed, created, even_with_vehicles=add)
        except KeyboardInterrupt:
            print(f"invsys-manage: interrupted; {created}", file=sys.stderr)
            return 130
        except Problem as error:
            raise DemoRefused(f"{getattr(error, 'reason', error)}; {created}") from error
        print(created)
        return 0


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
        """Migrate and log the URL of the database; with ``on_install``, only if the settings allow it."""
        if on_install and not commands.settings_of(app)["database"]["migrate_on_install"]:
            print("The database was not migrated, because [database] migrate_on_install = no.")
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
        "lookup": SimpleNamespace(
            resource=resource_queries.resource,
            resources=resource_queries.resources,
            allocation=allocation_queries.allocation,
            allocations=allocation_queries.allocations,
            now=session.now,
        ),
        "register": resource_commands.register,
        "decommission": resource_commands.decommission,
        "allocate": create_allocation.allocate,
        "allocate_any": allocate_any.allocate_any,
        "change": update_allocation.update,
        "deallocate": delete_allocation.deallocate,
    }


def manager() -> Manager:
    """Build the command line."""
    cli = Manager(_build_app, program="invsys-manage", version=__version__, description=__doc__)
    cli.add_option("-c", "--config", dest="config", help="path of the settings file")
    cli.add_command("runserver", commands.RunServer(_require_usable_database, PLACE))
    cli.add_command("serve", commands.Serve("invsys.inventory.wsgi:app", _require_usable_database, PLACE))
    cli.add_command("shell", Shell(banner="Available: " + ", ".join(_shell_names()), make_context=_shell_names))
    cli.add_command("db", ClickCommand(migrate_group, "invsys-manage db"))
    cli.add_command("urls", ShowUrls())
    for command in (commands.Config, Migrate, Import, Export, Backup, Check, Purge, Archive, Demo):
        cli.add_command(command.__name__.lower(), command())
    return cli


def main() -> None:
    """Run the command given on the command line; print an expected failure in one line and exit with status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with failures.suppress_logging():
            manager().run()
    except (SettingsError, UnusableFile, ExportError, MigrationError, BackupError, DemoRefused, Problem) as error:
        print(f"invsys-manage: {getattr(error, 'reason', error)}", file=sys.stderr)
        sys.exit(2)
