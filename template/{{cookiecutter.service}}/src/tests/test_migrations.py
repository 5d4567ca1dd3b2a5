"""The migrations make what the models say, and can be taken back."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from depot.db.models import db
from depot.maintenance import migrate


def test_they_make_what_the_models_say(app):
    with app.app_context(), db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []


def test_they_can_be_taken_back(fresh_app):
    upgrade()
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade()
    assert "pallets" in inspect(db.engine).get_table_names()


def test_migrating_again_changes_nothing(fresh_app, caplog):
    caplog.set_level("INFO")
    migrate.migrate()
    assert "is at migration" in caplog.text
    migrate.migrate()
    assert "is at the newest migration" in caplog.text
