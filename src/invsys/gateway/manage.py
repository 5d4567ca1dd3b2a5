"""The operator's commands for the gateway: ``invsys-gateway-manage``."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is handled while they run, too.
    from invsys.chassis.cli import entry_point

    entry_point.run("invsys-gateway-manage", "invsys.gateway.manage")

import logging
import math
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app

from invsys import __version__
from invsys.chassis.cli import commands
from invsys.chassis.cli.flask_script import ClickCommand, Manager, Shell, ShowUrls
from invsys.chassis.config.settings import SettingsError
from invsys.chassis.suggestions import nearest_or_all
from invsys.gateway import application, settings
from invsys.gateway.auth import client_admin, clients_file, permissions, scopes
from invsys.gateway.auth.client_admin import ChangeRefused
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.clients_file import InvalidClientsFile
from invsys.gateway.auth.scopes import Grants
from invsys.gateway.upstream import fleets

PLACE = commands.DataLocation("The clients file is", "clients", "file")


def _build_app(config: str | None = None) -> Flask:
    commands.use_settings_file(config)
    loaded = settings.load()
    return commands.attach_settings(application.build_app(loaded), loaded)


def _clients_path() -> Path:
    return Path(commands.settings_of(current_app)["clients"]["file"])


def _require_usable_clients() -> None:
    clients_file.load(_clients_path())


def _require_known_scopes(words: list[str]) -> None:
    """Raise ChangeRefused unless there are words, and each is a scope that some route requires or accepts.

    Only scopes of ``scopes.COLLECTION_SCOPES`` can be restricted to a collection.
    """
    if not words:
        raise ChangeRefused("a client needs at least one scope")
    loaded = commands.settings_of(current_app)
    try:
        grants = scopes.parse(words)
    except ValueError as error:
        raise ChangeRefused(str(error)) from error
    _require_known(grants, permissions.required_scopes(loaded["services"]))
    for fleet, grants_of_fleet in sorted(grants.fleets.items()):
        if fleet not in loaded["fleets"]:
            raise ChangeRefused(f"unknown fleet {fleet}{nearest_or_all(fleet, loaded['fleets'], 'fleets')}")
        _require_known(grants_of_fleet, permissions.required_scopes([fleets.INVENTORY]))


def _require_known(grants: Grants, known_scopes: set[str]) -> None:
    for scope, collection in sorted(grants.pairs, key=str):
        if scope not in known_scopes:
            raise ChangeRefused(f"unknown scope {scope}; the scopes are {', '.join(sorted(known_scopes))}")
        if collection is not None and not scope.startswith(scopes.COLLECTION_SCOPES):
            raise ChangeRefused(f"{scope} cannot be restricted to a collection: remove @{collection}")


@click.group("client")
def client_group() -> None:
    """Add, list and revoke clients and their API keys."""


@client_group.command("add")
@click.argument("name")
@click.option(
    "--scope",
    multiple=True,
    required=True,
    help="scope such as allocations:own@cars or events:read@north/*; repeatable",
)
@click.option("--rate", help="request rate such as 50/second, overrides the setting")
@click.option("--write-rate", help="rate of requests that change something, such as 5/second, overrides the setting")
@click.option("--concurrent", type=int, help="maximum number of concurrent requests, overrides the setting")
def _add(name: str, scope: tuple[str, ...], rate: str | None, write_rate: str | None, concurrent: int | None) -> None:
    """Add a client and print its API key. The key cannot be shown again."""
    words = " ".join(scope).split()
    _require_known_scopes(words)
    print(client_admin.add(_clients_path(), name, words, rate, concurrent, write_rate))


@client_group.command("list")
def _list() -> None:
    """List the clients with their scopes, limits and key prefixes."""
    clients = clients_file.load(_clients_path())
    for client in clients.clients:
        print(f"{client.id}: {'; '.join([str(client.grants) or 'no scopes', *_limits(client)])}")
        for prefix, key in clients.keys.items():
            if key.client == client:
                print(f"    {prefix}{f' until {key.until.isoformat()}' if key.until else ''}")


def _limits(client: Client) -> Iterator[str]:
    if client.rate is not None:
        yield client.rate
    if client.write_rate is not None:
        yield f"writes: {client.write_rate}"
    if client.concurrent is not None:
        yield f"{client.concurrent} at once"


@client_group.command("rotate")
@click.argument("name")
@click.option(
    "--keep",
    type=click.FloatRange(0, 366 * 24),
    default=24,
    show_default=True,
    help="hours for which the old keys stay valid",
)
def _rotate(name: str, keep: float) -> None:
    """Add a key to a client and print it; the old keys expire after --keep. The key cannot be shown again."""
    if math.isnan(keep):
        raise ChangeRefused("--keep must be a number of hours")
    print(client_admin.rotate(_clients_path(), name, timedelta(hours=keep)))


@client_group.command("revoke")
@click.argument("name")
@click.option(
    "--key", "prefix", help="prefix of the key to remove; without it, the client and all of its keys are removed"
)
def _revoke(name: str, prefix: str | None) -> None:
    """Remove a key or a whole client. This takes effect within a second."""
    client_admin.revoke(_clients_path(), name, prefix)


def _shell_names() -> dict[str, Any]:
    return {
        "app": current_app,
        "settings": commands.settings_of(current_app),
        "clients": clients_file.load(_clients_path()),
    }


def manager() -> Manager:
    """Return the command line with all commands."""
    command_line = Manager(_build_app, program="invsys-gateway-manage", version=__version__, description=__doc__)
    command_line.add_option("-c", "--config", dest="config", help="path of the settings file")
    command_line.add_command("runserver", commands.RunServer(_require_usable_clients, PLACE))
    command_line.add_command("serve", commands.Serve("invsys.gateway.wsgi:app", _require_usable_clients, PLACE))
    command_line.add_command("shell", Shell(banner="Available: app, settings, clients", make_context=_shell_names))
    command_line.add_command("client", ClickCommand(client_group, "invsys-gateway-manage client"))
    command_line.add_command("urls", ShowUrls())
    command_line.add_command("config", commands.Config())
    return command_line


def main() -> None:
    """Run the command named on the command line; an expected error is printed as one line, and the exit status is 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        manager().run()
    except (SettingsError, InvalidClientsFile, ChangeRefused) as error:
        print(f"invsys-gateway-manage: {error}", file=sys.stderr)
        sys.exit(2)
