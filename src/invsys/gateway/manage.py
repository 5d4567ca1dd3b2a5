"""What an operator does with the gateway from a terminal: ``invsys-gateway-manage``."""

if __name__ == "__main__":
    # Before the other imports, so that Ctrl-C is also handled while they run.
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
from invsys.gateway import application, settings
from invsys.gateway.auth import client_admin, clients_file, permissions, scopes
from invsys.gateway.auth.client_admin import RefusedChange
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.clients_file import UnusableClients

PLACE = commands.DataLocation("The clients' file is", "clients", "file")


def _build_app(config: str | None = None) -> Flask:
    commands.use_settings_file(config)
    in_force = settings.load()
    return commands.attach_settings(application.build_app(in_force), in_force)


def _file() -> Path:
    return Path(commands.settings_of(current_app)["clients"]["file"])


def _require_usable_clients() -> None:
    clients_file.load(_file())


def _require_known(words: list[str]) -> None:
    """Raise RefusedChange unless every word is a scope that something takes."""
    if not words:
        raise RefusedChange("a client without a scope may do nothing")
    known = permissions.scopes(commands.settings_of(current_app)["services"])
    try:
        pairs = scopes.read(words).pairs
    except ValueError as error:
        raise RefusedChange(str(error)) from error
    for scope, collection in sorted(pairs, key=str):
        if scope not in known:
            raise RefusedChange(f"nothing takes the scope {scope}; there are {', '.join(sorted(known))}")
        if collection is not None and not scope.startswith(scopes.OF_COLLECTIONS):
            raise RefusedChange(f"{scope} is of no single collection: leave @{collection} away")


@click.group("client")
def client_group() -> None:
    """Make, list and revoke clients and their API keys."""


@client_group.command("add")
@click.argument("name")
@click.option("--scope", multiple=True, required=True, help="such as allocations:own@cars; repeatable")
@click.option("--rate", help="such as 50/second, instead of the setting")
@click.option("--write-rate", help="such as 5/second, of requests that change something, instead of the setting")
@click.option("--concurrent", type=int, help="requests at once, instead of the setting")
def _add(name: str, scope: tuple[str, ...], rate: str | None, write_rate: str | None, concurrent: int | None) -> None:
    """Make a client, and print its API key, once."""
    words = [word for given in scope for word in given.split()]
    _require_known(words)
    print(client_admin.add(_file(), name, words, rate, concurrent, write_rate))


@client_group.command("list")
def _list() -> None:
    """List the clients, what they may do, and the prefixes of their keys."""
    found = clients_file.load(_file())
    for client in found.clients:
        print(f"{client.id}: {'; '.join([str(client.grants) or 'nothing', *_limits(client)])}")
        for prefix, key in found.keys.items():
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
    help="hours for which the old keys still count",
)
def _rotate(name: str, keep: float) -> None:
    """Make a new key for a client, and print it, once."""
    if math.isnan(keep):
        raise RefusedChange("--keep is a number of hours")
    print(client_admin.rotate(_file(), name, timedelta(hours=keep)))


@client_group.command("revoke")
@click.argument("name")
@click.option("--key", "prefix", help="the prefix of one key; without it the client goes, with all of its keys")
def _revoke(name: str, prefix: str | None) -> None:
    """Take away a key, or the whole client; at once."""
    client_admin.revoke(_file(), name, prefix)


def _shell_names() -> dict[str, Any]:
    return {"app": current_app, "settings": commands.settings_of(current_app), "clients": clients_file.load(_file())}


def manager() -> Manager:
    """Build the command line."""
    made = Manager(_build_app, program="invsys-gateway-manage", version=__version__, description=__doc__)
    made.add_option("-c", "--config", dest="config", help="the settings' file")
    made.add_command("runserver", commands.RunServer(_require_usable_clients, PLACE))
    made.add_command("serve", commands.Serve("invsys.gateway.wsgi:app", _require_usable_clients, PLACE))
    made.add_command("shell", Shell(banner="At hand: app, settings, clients", make_context=_shell_names))
    made.add_command("client", ClickCommand(client_group, "invsys-gateway-manage client"))
    made.add_command("urls", ShowUrls())
    made.add_command("config", commands.Config())
    return made


def main() -> None:
    """Run the command that the command line names; what stops it is told in a sentence, with status 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        manager().run()
    except (SettingsError, UnusableClients, RefusedChange) as error:
        print(f"invsys-gateway-manage: {error}", file=sys.stderr)
        sys.exit(2)
