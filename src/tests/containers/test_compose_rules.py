"""What the compose files promise: one door, networks apart, nobody believed but who may be, no more than is needed."""

import os
import re
from ipaddress import ip_network

import pytest
from sqlalchemy import make_url

from invsys.gateway import settings as gateway_settings
from invsys.inventory import settings as inventory_settings
from tests.support.compose_files import FULL, SQLITE, networks, services, text, with_defaults

SETTINGS = {"gateway": gateway_settings, "inventory": inventory_settings, "migrations": inventory_settings}

EVERY_SERVICE = [(name, service) for name in (FULL, SQLITE) for service in services(name)]
OF_OURS = [(name, service) for name, service in EVERY_SERVICE if service in SETTINGS]
BOTH = pytest.mark.parametrize("name", [FULL, SQLITE])


def settings_of(name, service):
    given = {key: with_defaults(value) for key, value in services(name)[service]["environment"].items()}
    return SETTINGS[service].load(environ={"INVSYS_CONFIG": os.devnull, **given})


def subnet(name, network):
    return ip_network(with_defaults(networks(name)[network]["ipam"]["config"][0]["subnet"]))


@pytest.mark.parametrize(("name", "door"), [(FULL, "nginx"), (SQLITE, "gateway")])
def test_one_port_is_published_and_to_this_machine_only(name, door):
    published = {service: made["ports"] for service, made in services(name).items() if "ports" in made}
    assert list(published) == [door]
    [port] = published[door]
    assert with_defaults(port).startswith("127.0.0.1:")


@BOTH
def test_the_network_of_the_inventory_has_no_way_out_and_is_the_gateways_alone(name):
    on_it = {service for service, made in services(name).items() if "back" in made.get("networks", ())}
    assert on_it == set(services(name)) - {"nginx", "secret"}
    assert networks(name)["back"]["internal"]
    assert services(name)["inventory"]["networks"] == ["back"]


def test_nginx_reaches_the_gateway_only():
    on_it = {service for service, made in services(FULL).items() if "front" in made.get("networks", ())}
    assert on_it == {"nginx", "gateway"}
    assert services(FULL)["nginx"]["networks"] == ["front"]


@pytest.mark.parametrize(("name", "service"), OF_OURS)
def test_every_setting_is_one(name, service):
    settings_of(name, service)


@BOTH
def test_the_inventory_believes_its_network(name):
    believed = settings_of(name, "inventory")["server"]["trusted_proxies"]
    assert ip_network(believed) == subnet(name, "back")


def test_the_gateway_believes_nginx_network():
    believed = settings_of(FULL, "gateway")["server"]["trusted_proxies"]
    assert ip_network(believed) == subnet(FULL, "front")


def test_where_strangers_reach_the_gateway_nobody_is_believed():
    assert "INVSYS_SERVER_TRUSTED_PROXIES" not in services(SQLITE)["gateway"]["environment"]


@BOTH
def test_the_gateway_asks_the_inventory_by_the_name_that_it_answers_to(name):
    assert settings_of(name, "gateway")["services"]["inventory"] == "http://inventory:5000"
    assert settings_of(name, "inventory")["server"]["allowed_hosts"] == "inventory"


@BOTH
def test_migrations_run_once_on_the_same_database_before_the_inventory_starts(name):
    made = services(name)
    assert made["migrations"]["command"] == ["db", "upgrade"]
    assert made["migrations"]["restart"] == "no"
    assert made["inventory"]["depends_on"]["migrations"] == {"condition": "service_completed_successfully"}
    assert made["inventory"]["build"] == made["migrations"]["build"]
    urls = [make_url(settings_of(name, service)["database"]["url"]) for service in ("inventory", "migrations")]
    assert len({(url.drivername, url.host, url.port, url.database) for url in urls}) == 1


def test_the_service_and_the_migrations_have_roles_of_their_own():
    users = {
        make_url(settings_of(FULL, service)["database"]["url"]).username: service
        for service in ("inventory", "migrations")
    }
    assert users == {"invsys_service": "inventory", "invsys_owner": "migrations"}
    # Nobody but what makes the roles connects as the superuser.
    assert services(FULL)["database"]["environment"]["POSTGRES_USER"] == "invsys"
    assert "--username=invsys" in services(FULL)["roles"]["entrypoint"]


def test_the_password_is_there_before_the_database_and_whoever_talks_to_it():
    made = services(FULL)
    assert made["migrations"]["depends_on"]["roles"] == {"condition": "service_completed_successfully"}
    assert made["secret"]["restart"] == "no"
    assert made["database"]["depends_on"] == {"secret": {"condition": "service_completed_successfully"}}
    for service in ("inventory", "migrations", "roles"):
        assert made[service]["depends_on"]["database"] == {"condition": "service_healthy"}


def test_the_password_is_read_by_who_needs_it_and_written_by_one_without_a_network():
    mounted = {
        (service, volume)
        for service, made in services(FULL).items()
        for volume in made.get("volumes", ())
        if volume.startswith(("secret:", "owner:", "service:"))
    }
    readers = {(service, "secret:/var/lib/invsys:ro") for service in ("database", "roles")}
    readers |= {("migrations", "owner:/var/lib/invsys-owner:ro"), ("inventory", "service:/var/lib/invsys-service:ro")}
    writes = {"secret:/var/lib/invsys", "owner:/var/lib/invsys-owner", "service:/var/lib/invsys-service"}
    assert mounted == readers | {("secret", volume) for volume in writes}
    for volume in writes:
        assert f" {volume.partition(':')[2]}" in text("Dockerfile")
    assert services(FULL)["secret"]["network_mode"] == "none"
    # The group of the user whom the Dockerfile makes.
    assert services(FULL)["database"]["group_add"] == ["10001"]


def test_no_environment_has_the_password_but_the_one_that_may_be_given_it():
    told = {
        (service, name, value)
        for service, made in services(FULL).items()
        for name, value in made.get("environment", {}).items()
        if "PASS" in name or "PASS" in str(value)
    }
    assert told == {
        ("secret", "POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:-}"),
        ("database", "POSTGRES_PASSWORD_FILE", "/var/lib/invsys/password"),
        ("inventory", "PGPASSFILE", "/var/lib/invsys-service/pgpass"),
        ("migrations", "PGPASSFILE", "/var/lib/invsys-owner/pgpass"),
        ("roles", "PGPASSFILE", "/var/lib/invsys/pgpass"),
    }


@pytest.mark.parametrize(("name", "service"), EVERY_SERVICE)
def test_what_goes_on_is_looked_after(name, service):
    made = services(name)[service]
    if made["restart"] == "no":
        assert service in ("migrations", "roles", "secret")
        return
    target = made.get("build", {}).get("target")
    assert "healthcheck" in made or f" AS {target}\n" in text("Dockerfile")
    assert made["restart"] == "unless-stopped"
    for condition in made.get("depends_on", {}).values():
        assert condition["condition"] in ("service_healthy", "service_completed_successfully")


@pytest.mark.parametrize(("name", "service"), EVERY_SERVICE)
def test_no_service_may_do_more_than_it_needs(name, service):
    made = services(name)[service]
    assert made["read_only"]
    assert made["cap_drop"] == ["ALL"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert made["init"]
    assert set(made["logging"]["options"]) == {"max-size", "max-file"}
    assert not {"cap_add", "privileged", "pid"} & set(made)
    assert made.get("network_mode", "none") == "none"
    # The images of ours have theirs from the Dockerfile.
    assert "build" in made or made["user"] in ("postgres", "101:101", "10001:10001")


@pytest.mark.parametrize(("name", "service"), EVERY_SERVICE)
def test_what_others_publish_is_taken_by_its_version_and_its_digest(name, service):
    made = services(name)[service]
    image = with_defaults(made["image"] if "build" not in made else made["build"]["args"]["PYTHON_IMAGE"])
    assert re.fullmatch(r"[a-z]+:\d[\w.-]*-trixie@sha256:[0-9a-f]{64}", image)


def test_data_outlives_containers():
    assert "database:/var/lib/postgresql/data" in services(FULL)["database"]["volumes"]
    for name in (FULL, SQLITE):
        path = settings_of(name, "gateway")["clients"]["file"]
        assert f"clients:{os.path.dirname(path)}" in services(name)["gateway"]["volumes"]  # noqa: PTH120 - in a container
    assert settings_of(SQLITE, "inventory")["database"]["url"] == "sqlite:////var/lib/invsys/invsys.sqlite3"
    for service in ("inventory", "migrations"):
        assert services(SQLITE)[service]["volumes"] == ["inventory:/var/lib/invsys"]
