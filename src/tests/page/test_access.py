"""The key and its scopes: the page asks once, and shows only what the key allows."""

import json
import os
import re
from contextlib import contextmanager
from datetime import timedelta
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from tests.support.client_identity import client_as
from tests.support.fleet_page import DAY
from tests.support.serving_apps import served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS, until

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
            **LONG_UPSTREAM_TIMEOUTS,
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


def test_allocations_of_others_are_only_taken(open_page, app, client, tmp_path, register, allocate):
    car, other = register("B1"), register("B2")
    body = {"from_datetime": "2099-03-02T12:00:00Z", "to_datetime": "2099-03-02T14:00:00Z", "description": "secret"}
    assert client_as(app, "other").post(f"{car}/allocations", json=body).status_code == 201
    with gateway(app, tmp_path, ["resources:read", "allocations:own", "events:own"]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        taken = page.find(".bar.taken")
        expect(taken).to_have_text("taken")
        grey = taken.evaluate("(bar) => getComputedStyle(bar).backgroundColor")
        page.drag(page.point("B1", 8), page.point("B1", 10))
        page.type("mine")
        page.press("Enter")
        expect(page.bars("B1")).to_have_text("mine")
        expect(page.bars("B1")).to_have_class(re.compile("booking"))
        assert page.bars("B1").evaluate("(bar) => getComputedStyle(bar).backgroundColor") != grey
        # What others have taken is no button, and cannot be dragged.
        taken.click()
        expect(page.panel.get_by_role("button", name="Cancel allocation")).to_have_count(1)
        page.drag(page.point("B1", 13), page.point("B1", 17), drop=False)
        expect(page.find(".ghost")).to_have_count(0)
        page.page.mouse.up()
        page.drag(page.point("B1", 11), page.point("B1", 13), drop=False)
        expect(page.find(".ghost.bad")).to_have_text("taken")
        page.page.mouse.up()
        page.submit()
        page.shows("Taken by somebody else.")
        expect(page.find(".bar.ring")).to_have_count(0)
        expect(page.find("#grid")).to_have_attribute("aria-busy", "false")
        # Taken by another since the window was loaded: a grey bar appears at its place.
        body = {**body, "from_datetime": "2099-03-02T16:00:00Z", "to_datetime": "2099-03-02T18:00:00Z"}
        assert client_as(app, "other").post(f"{other}/allocations", json=body).status_code == 201
        page.drag(page.point("B2", 17), page.point("B2", 19))
        page.submit()
        page.shows("Taken by somebody else.")
        expect(page.row("B2").locator(".bar.taken")).to_have_count(1)
        page.click("Next free time on B2")
        expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T18:00")
        page.submit()
        page.shows("B2: allocated.")
        expect(page.find("body")).not_to_contain_text("secret")
    [row] = [row for row in client.get(f"{other}/allocations").json if row["client_id"] == "desk"]
    assert row["from_datetime"] == "2099-03-02T18:00:00Z"


def set_scopes(folder, scopes, url, key):
    """Replace the scopes of the client, as the operator of the gateway does: by editing the file."""
    clients, edited = folder / "clients.ini", folder / "edited.ini"
    edited.write_text(re.sub("scopes = .*", f"scopes = {' '.join(scopes)}", clients.read_text()))
    # As editors do, so that the gateway never reads a half of it.
    edited.chmod(clients.stat().st_mode)
    edited.replace(clients)
    request = Request(f"{url}/whoami", headers={"Authorization": f"Bearer {key}"})
    # The gateway reads a changed file after some seconds.
    until(lambda: set(json.load(urlopen(request))["scopes"]) == set(scopes))


def test_a_scope_that_is_withdrawn_meanwhile_is_said(open_page, app, client, tmp_path, register, allocate):
    car = register("B1")
    with gateway(app, tmp_path, [*READ, "resources:write", "allocations:write"]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        expect(page.row("B1")).to_be_visible()
        set_scopes(tmp_path, READ, url, key)
        page.open_vehicle("B1")
        page.click("Allocate…", page.panel)
        page.fill("description", "refused")
        page.submit()
        page.shows("Your key may not do this")
        expect(page.panel).to_contain_text("allocations:write")
        expect(page.panel.locator("[name=description]")).to_have_value("refused")
        page.click("Add vehicle…")
        page.fill("name", "B2")
        page.submit()
        page.shows("Your key may not do this")
        expect(page.panel).to_contain_text("resources:write")
    assert client.get(f"{car}/allocations").json == []


def test_a_key_that_is_revoked_is_asked_for_again(open_page, app, tmp_path, register):
    register("B1")
    with gateway(app, tmp_path, READ) as (url, key):
        page = open_page(DAY, base=url, secret=None, has_clock=True)
        field = page.page.get_by_label("API key", exact=True)
        field.fill(key)
        page.press("Enter")
        expect(page.row("B1")).to_be_visible()
        new_key = client_admin.rotate(tmp_path / "clients.ini", "desk", timedelta())
        page.skip(6)
        page.shows("The key is not accepted any more.")
        expect(page.find("#work")).to_be_hidden()
        field.fill(new_key)
        page.press("Enter")
        expect(page.row("B1")).to_be_visible()
        assert page.find("#day").input_value() == "2099-03-02"


def test_a_key_without_the_feed_sees_the_fleet(open_page, app, tmp_path, register, allocate):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    with gateway(app, tmp_path, ["resources:read", "allocations:read"]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        expect(page.bars("B1")).to_have_text("trip")
        expect(page.find("#live")).to_have_text("not live: the key may not read the feed")


def test_a_scope_for_one_type_allows_it_only_there(open_page, app, tmp_path, register):
    register("B1")
    register("L1", "lorries")
    with gateway(app, tmp_path, [*READ, "allocations:write@lorries", "resources:write@cars"]) as (url, key):
        page = open_page(DAY, base=url, secret=key)
        for name, adds, allocates in (("B1", 1, 0), ("L1", 0, 1)):
            page.open_vehicle(name)
            expect(page.find("#add")).to_be_visible(visible=bool(adds))
            expect(page.panel.get_by_role("button", name="Edit…")).to_have_count(adds)
            expect(page.panel.get_by_role("button", name="Allocate…")).to_have_count(allocates)
            page.press("Escape")
            page.find("#types [data-type=lorries]").click()
