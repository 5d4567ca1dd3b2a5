"""The compose file of two fleets: the second one has the same services as the first, and shares nothing with it."""

import os
import shutil

import pytest
import yaml

from invsys.gateway import settings
from tests.support.compose_files import FULL, PROJECT, config, services, text

FLEETS = "docker/fleets.yaml"
OF_A_FLEET = ("inventory", "migrations", "roles", "secret", "database")


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The definition that docker-compose makes of both files."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / "docker").mkdir()
    for name in (FULL, FLEETS):
        shutil.copy(PROJECT / name, folder / name)
    process = config(folder, FULL, FLEETS)
    assert process.returncode == 0, process.stderr
    return yaml.safe_load(process.stdout)


@pytest.mark.parametrize("name", OF_A_FLEET)
def test_the_services_of_the_second_fleet_are_those_of_the_first(system, name):
    first = yaml.safe_dump(system["services"][name])
    second = yaml.safe_dump(system["services"][f"{name}-south"])
    for word in (*OF_A_FLEET, "owner", "service"):
        # Volumes and services, but not words such as service_healthy.
        for end in (":", "/", "\n", ","):
            second = second.replace(f"{word}-south{end}", f"{word}{end}")
    assert yaml.safe_load(second) == yaml.safe_load(first)


def test_no_volume_belongs_to_both_fleets(system):
    mounted = {
        service: {volume.partition(":")[0] for volume in map(str, definition.get("volumes", ())) if volume[0] != "/"}
        for service, definition in services(FLEETS).items()
    }
    volumes_of_services = {volume for volumes in mounted.values() for volume in volumes if not volume.startswith(".")}
    assert volumes_of_services == {f"{name}-south" for name in ("database", "secret", "owner", "service")}


def test_the_gateway_has_both_fleets_and_no_other_inventory(system):
    environment = system["services"]["gateway"]["environment"]
    loaded = settings.load(environ={"INVSYS_CONFIG": os.devnull, **{k: str(v or "") for k, v in environment.items()}})
    assert loaded["fleets"] == {"north": "http://inventory:5000", "south": "http://inventory-south:5000"}
    assert loaded["services"] == {}


def test_nothing_more_is_published(system):
    assert [name for name, service in system["services"].items() if service.get("ports")] == ["nginx"]
    assert "ports:" not in text(FLEETS)
