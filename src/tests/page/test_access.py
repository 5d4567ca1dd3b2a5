"""The key and its scopes: the page asks once, and shows only what the key allows."""

import os
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.client_identity import client_as
from tests.support.fleet_page import DAY
from tests.support.serving_apps import served_app

pytestmark = pytest.mark.one_engine

READ = ["resources:read", "allocations:read", "events:read"]


@contextmanager
def gateway(app, folder, scopes):
    """Serve a gateway with one client; yield its URL and the client's key."""
    clients = folder / "clients.ini"
    key = client_admin.add(clients, "desk", scopes)
    with served_app(app) as inventory:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(clients),
            "INVSYS_SERVICES_INVENTORY": inventory,
        }
        with served_app(build_app(settings.load(environ=environ))) as url:
            yield url, key


def test_the_key_is_asked_for_once_and_forgotten(open_page, app, tmp_path, register):
    register("B1")
    with gateway(app, tmp_path, READ) as (url, key):
        page = open_page(DAY, base=url)
        field = page.page.get_by_label("API key")
        expect(field).to_be_focused()
        field.fill("wrong")
        page.press("Enter")
        page.shows("Not accepted.")
        field.fill(key)
        page.press("Enter")
        expect(page.row("B1")).to_be_visible()
        page.page.reload()
        expect(page.row("B1")).to_be_visible()
        page.find("#account summary").click()
        page.click("Forget the key")
        expect(field).to_be_visible()
        assert page.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("more", "adds", "allocates"),
    [([], False, False), (["resources:write"], True, False), (["allocations:write"], False, True)],
    ids=["reader", "registrar", "booker"],
)
def test_only_what_the_scopes_allow_is_offered(open_page, app, tmp_path, register, allocate, more, adds, allocates):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    with gateway(app, tmp_path, [*READ, *more]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        expect(page.bars("B1")).to_have_text("trip")
        expect(page.find("#add")).to_be_visible(visible=adds)
        page.open_vehicle("B1")
        for name, offered in (("Edit…", adds), ("Out of service…", adds), ("Allocate…", allocates)):
            expect(page.panel.get_by_role("button", name=name)).to_have_count(int(offered))
        page.bars("B1").click()
        expect(page.panel.get_by_role("button", name="Cancel allocation")).to_have_count(int(allocates))
        page.drag(page.point("B1", 12), page.point("B1", 14), drop=False)
        expect(page.find(".ghost")).to_have_count(int(allocates))
        page.page.mouse.up()


def test_allocations_of_others_are_only_taken(open_page, app, tmp_path, register, allocate):
    car = register("B1")
    body = {"from_datetime": "2099-03-02T12:00:00Z", "to_datetime": "2099-03-02T14:00:00Z", "description": "secret"}
    assert client_as(app, "other").post(f"{car}/allocations", json=body).status_code == 201
    with gateway(app, tmp_path, ["resources:read", "allocations:own", "events:own"]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        expect(page.find(".bar.taken")).to_have_text("taken")
        page.drag(page.point("B1", 8), page.point("B1", 10))
        page.page.keyboard.type("mine")
        page.press("Enter")
        expect(page.bars("B1")).to_have_text("mine")
        page.drag(page.point("B1", 11), page.point("B1", 13))
        page.submit()
        page.shows("Taken by somebody else.")
        expect(page.find("body")).not_to_contain_text("secret")
