"""Names of vehicles: they are stored in Unicode normal form C.

Vehicles with other names, which earlier versions stored, can still be found and changed.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.inventory.db.models import ContinuousResource
from invsys.inventory.transfer import importer
from tests.support.tables import table_driven

COMPOSED, DECOMPOSED = "M\u00fcller", "Mu\u0308ller"
INVISIBLE = "Car\u200b1"


def ids_by_name(client: FlaskClient, name: str) -> list[str]:
    return [car["id"] for car in client.get("/api/cars", query_string={"name": name}).json]


def test_a_name_is_stored_in_normal_form_c(
    client: FlaskClient, register: Callable[..., str], refused: Callable[..., Any]
) -> None:
    car = register(DECOMPOSED)
    assert client.get(car).json["name"] == COMPOSED
    assert ids_by_name(client, DECOMPOSED) == ids_by_name(client, COMPOSED) == [car[-36:]]
    for name in (COMPOSED, DECOMPOSED):
        refused(client.post("/api/cars", json={"name": name}), 409, "name_taken")
    assert client.patch(register("Car2"), json={"name": "u\u0308"}).json["name"] == "\u00fc"


@pytest.mark.one_engine
def test_the_length_of_a_name_is_counted_in_normal_form_c(client: FlaskClient, register: Callable[..., str]) -> None:
    longest = "u\u0308" * 36
    assert ids_by_name(client, longest) == []
    car = register(longest)
    assert ids_by_name(client, longest) == [car[-36:]]


@pytest.mark.one_engine
@table_driven("name", ["Car\u200b1", "\u202eraC", "Car1\ufeff", "Ca\u00adr1", "\u2066Car1\u2069", "Car\u20281"])
def test_invisible_characters_are_refused(
    client: FlaskClient,
    car: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    name: str,
) -> None:
    with nothing_changes():
        for response in (client.post("/api/cars", json={"name": name}), client.patch(car, json={"name": name})):
            body = refused(response, 422, "invalid_fields", "name")
            assert body["errors"]["name"][0].startswith("Invisible characters are not allowed: U+")


@pytest.mark.parametrize("name", [DECOMPOSED, INVISIBLE])
def test_a_vehicle_with_an_older_name_can_be_found_and_changed(
    client: FlaskClient, car: str, update_all_rows: Callable[..., None], name: str
) -> None:
    update_all_rows(ContinuousResource, name=name)
    assert ids_by_name(client, name) == [car[-36:]]
    changed = client.patch(car, json={"attributes": {"seats": 4}})
    assert (changed.status_code, changed.json["name"]) == (200, name)
    assert client.patch(car, json={"name": "Car9"}).json["name"] == "Car9"


@pytest.mark.through_gateway
def test_a_vehicle_with_a_decomposed_name_is_found_by_its_normal_form(
    client: FlaskClient, car: str, update_all_rows: Callable[..., None]
) -> None:
    update_all_rows(ContinuousResource, name=DECOMPOSED)
    assert ids_by_name(client, COMPOSED) == [car[-36:]]


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_an_import_recognises_a_vehicle_in_either_form(
    app: Flask,
    client: FlaskClient,
    car: str,
    update_all_rows: Callable[..., None],
    tmp_path: Any,
    stored: str,
    name: str,
) -> None:
    update_all_rows(ContinuousResource, name=stored)
    file = tmp_path / "in.csv"
    file.write_text(f"resource_type,name,from_datetime,to_infinity\ncars,{name},2026-01-01T10:00Z,true\n")
    with app.app_context():
        first, repeated = (importer.import_file(str(file), str(tmp_path / "report")) for _ in range(2))
    assert (first.registered, first.allocated, repeated.unchanged) == (0, 1, 1)
    assert [vehicle["name"] for vehicle in client.get("/api/cars").json] == [stored]
    assert len(client.get(f"{car}/allocations").json) == 1
