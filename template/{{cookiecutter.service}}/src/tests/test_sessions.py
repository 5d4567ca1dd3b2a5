"""PostgreSQL sessions: settings in the environment or URL do not change responses; the database must be in UTF8."""

import uuid

import pytest
from flask_migrate import upgrade

from depot.db import schema_check
from depot.errors import UnusableDatabase

from tests.conftest import SQLITE_ONLY, application


@pytest.fixture
def server(request):
    if request.config.getoption(SQLITE_ONLY):
        pytest.skip("needs PostgreSQL")
    return request.getfixturevalue("postgresql")


def test_settings_of_the_environment_do_not_change_responses(server, monkeypatch):
    for variable, value in {"PGDATESTYLE": "German", "PGTZ": "Asia/Tokyo", "PGCLIENTENCODING": "LATIN1"}.items():
        monkeypatch.setenv(variable, value)
    options = "-cdatestyle%3DSQL%20-cdefault_transaction_isolation%3Dserializable"
    with application(f"{server.new_database(f'own_{uuid.uuid4().hex}')}&options={options}") as app:
        with app.app_context():
            upgrade()
        client = app.test_client()
        answer = client.post("/api/pallets", json={"name": "100 € für 日本"})
        assert answer.status_code == 201, answer.text
        assert client.get(answer.headers["Location"]).json == answer.json


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_is_not_utf8_is_refused(server, encoding):
    url = server.new_database(f"own_{uuid.uuid4().hex}", f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    with application(url) as app:
        with app.app_context(), pytest.raises(UnusableDatabase, match=encoding):
            schema_check.require_usable_at_start()
        answer = app.test_client().get("/readyz")
        assert answer.status_code == 503
        assert f"has the encoding {encoding}" in answer.json["detail"]
