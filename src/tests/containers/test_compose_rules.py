"""Rules of the compose files: one published port, separate networks, limited trust and privileges."""

import os
import re
from ipaddress import ip_network

import pytest
from sqlalchemy import make_url

from invsys.gateway import settings as gateway_settings
from invsys.inventory import settings as inventory_settings
from tests.support.compose_files import FULL, SQLITE, networks, services, text, with_defaults
from tests.support.tables import table_driven

SETTINGS = {"gateway": gateway_settings, "inventory": inventory_settings, "migrations": inventory_settings}

EVERY_SERVICE = [(name, service) for name in (FULL, SQLITE) for service in services(name)]
OUR_SERVICES = [(name, service) for name, service in EVERY_SERVICE if service in SETTINGS]
BOTH = pytest.mark.parametrize("name", [FULL, SQLITE])


def settings_of(name, service):
    environment = {key: with_defaults(value) for key, value in services(name)[service]["environment"].items()}
    return SETTINGS[service].load(environ={"INVSYS_CONFIG": os.devnull, **environment})


def subnet(name, network):
    return ip_network(with_defaults(networks(name)[network]["ipam"]["config"][0]["subnet"]))


@pytest.mark.parametrize(("name", "public_service"), [(FULL, "nginx"), (SQLITE, "gateway")])
def test_one_port_is_published_and_to_this_machine_only(name, public_service):
    published = {
        service: definition["ports"] for service, definition in services(name).items() if "ports" in definition
    }
    assert list(published) == [public_service]
    [port] = published[public_service]
    assert with_defaults(port).startswith("127.0.0.1:")


@BOTH
def test_the_network_of_the_inventory_is_internal_and_excludes_nginx(name):
    on_it = {service for service, definition in services(name).items() if "back" in definition.get("networks", ())}
    assert on_it == set(services(name)) - {"nginx", "secret"}
    assert networks(name)["back"]["internal"]
    assert services(name)["inventory"]["networks"] == ["back"]


def test_nginx_reaches_the_gateway_only():
    on_it = {service for service, definition in services(FULL).items() if "front" in definition.get("networks", ())}
    assert on_it == {"nginx", "gateway"}
    assert services(FULL)["nginx"]["networks"] == ["front"]


@table_driven(("name", "service"), OUR_SERVICES)
def test_every_setting_is_valid(name, service):
    settings_of(name, service)


@BOTH
def test_the_inventory_trusts_its_network(name):
    trusted = settings_of(name, "inventory")["server"]["trusted_proxies"]
    assert ip_network(trusted) == subnet(name, "back")


def test_the_gateway_trusts_the_network_of_nginx():
    trusted = settings_of(FULL, "gateway")["server"]["trusted_proxies"]
    assert ip_network(trusted) == subnet(FULL, "front")


def test_a_gateway_without_nginx_trusts_no_proxy():
    assert "INVSYS_SERVER_TRUSTED_PROXIES" not in services(SQLITE)["gateway"]["environment"]


@BOTH
def test_the_gateway_uses_a_host_name_that_the_inventory_allows(name):
    assert settings_of(name, "gateway")["services"]["inventory"] == "http://inventory:5000"
    assert settings_of(name, "inventory")["server"]["allowed_hosts"] == "inventory"


@BOTH
def test_migrations_run_once_on_the_same_database_before_the_inventory_starts(name):
    definition = services(name)
    assert definition["migrations"]["command"] == ["db", "upgrade"]
    assert definition["migrations"]["restart"] == "no"
    assert definition["inventory"]["depends_on"]["migrations"] == {"condition": "service_completed_successfully"}
    assert definition["inventory"]["build"] == definition["migrations"]["build"]
    urls = [make_url(settings_of(name, service)["database"]["url"]) for service in ("inventory", "migrations")]
    assert len({(url.drivername, url.host, url.port, url.database) for url in urls}) == 1


def test_the_service_and_the_migrations_have_separate_roles():
    users = {
        make_url(settings_of(FULL, service)["database"]["url"]).username: service
        for service in ("inventory", "migrations")
    }
    assert users == {"invsys_service": "inventory", "invsys_owner": "migrations"}
    # Only the service that creates the roles connects as the superuser.
    assert services(FULL)["database"]["environment"]["POSTGRES_USER"] == "invsys"
    assert "--username=invsys" in services(FULL)["roles"]["entrypoint"]


def test_the_password_exists_before_the_database_and_its_clients_start():
    definition = services(FULL)
    assert definition["migrations"]["depends_on"]["roles"] == {"condition": "service_completed_successfully"}
    assert definition["secret"]["restart"] == "no"
    assert definition["database"]["depends_on"] == {"secret": {"condition": "service_completed_successfully"}}
    for service in ("inventory", "migrations", "roles"):
        assert definition[service]["depends_on"]["database"] == {"condition": "service_healthy"}


def test_only_services_that_need_the_password_mount_it_and_its_writer_has_no_network():
    mounted = {
        (service, volume)
        for service, definition in services(FULL).items()
        for volume in definition.get("volumes", ())
        if volume.startswith(("secret:", "owner:", "service:"))
    }
    readers = {(service, "secret:/var/lib/invsys:ro") for service in ("database", "roles")}
    readers |= {("migrations", "owner:/var/lib/invsys-owner:ro"), ("inventory", "service:/var/lib/invsys-service:ro")}
    writes = {"secret:/var/lib/invsys", "owner:/var/lib/invsys-owner", "service:/var/lib/invsys-service"}
    assert mounted == readers | {("secret", volume) for volume in writes}
    for volume in writes:
        assert f" {volume.partition(':')[2]}" in text("Dockerfile")
    assert services(FULL)["secret"]["network_mode"] == "none"
    # The group of the user that the Dockerfile creates.
    assert services(FULL)["database"]["group_add"] == ["10001"]


def test_only_the_secret_service_has_the_password_in_its_environment():
    variables = {
        (service, name, value)
        for service, definition in services(FULL).items()
        for name, value in definition.get("environment", {}).items()
        if "PASS" in name or "PASS" in str(value)
    }
    assert variables == {
        ("secret", "POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:-}"),
        ("database", "POSTGRES_PASSWORD_FILE", "/var/lib/invsys/password"),
        ("inventory", "PGPASSFILE", "/var/lib/invsys-service/pgpass"),
        ("migrations", "PGPASSFILE", "/var/lib/invsys-owner/pgpass"),
        ("roles", "PGPASSFILE", "/var/lib/invsys/pgpass"),
    }


@table_driven(("name", "service"), EVERY_SERVICE)
def test_a_permanent_service_has_a_health_check_and_restarts(name, service):
    definition = services(name)[service]
    if definition["restart"] == "no":
        assert service in ("migrations", "roles", "secret")
        return
    target = definition.get("build", {}).get("target")
    assert "healthcheck" in definition or f" AS {target}\n" in text("Dockerfile")
    assert definition["restart"] == "unless-stopped"
    for condition in definition.get("depends_on", {}).values():
        assert condition["condition"] in ("service_healthy", "service_completed_successfully")


@table_driven(("name", "service"), EVERY_SERVICE)
def test_services_have_no_more_privileges_than_they_need(name, service):
    definition = services(name)[service]
    assert definition["read_only"]
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert definition["init"]
    assert set(definition["logging"]["options"]) == {"max-size", "max-file"}
    assert not {"cap_add", "privileged", "pid"} & set(definition)
    assert definition.get("network_mode", "none") == "none"
    # Our own images set their user in the Dockerfile.
    assert "build" in definition or definition["user"] in ("postgres", "101:101", "10001:10001")


@table_driven(("name", "service"), EVERY_SERVICE)
def test_images_of_others_are_pinned_by_version_and_digest(name, service):
    definition = services(name)[service]
    image = with_defaults(
        definition["image"] if "build" not in definition else definition["build"]["args"]["PYTHON_IMAGE"]
    )
    assert re.fullmatch(r"[a-z]+:\d[\w.-]*-trixie@sha256:[0-9a-f]{64}", image)


def test_data_is_stored_in_volumes():
    assert "database:/var/lib/postgresql/data" in services(FULL)["database"]["volumes"]
    for name in (FULL, SQLITE):
        path = settings_of(name, "gateway")["clients"]["file"]
        assert f"clients:{os.path.dirname(path)}" in services(name)["gateway"]["volumes"]  # noqa: PTH120 - in a container
    assert settings_of(SQLITE, "inventory")["database"]["url"] == "sqlite:////var/lib/invsys/invsys.sqlite3"
    for service in ("inventory", "migrations"):
        assert services(SQLITE)[service]["volumes"] == ["inventory:/var/lib/invsys"]
