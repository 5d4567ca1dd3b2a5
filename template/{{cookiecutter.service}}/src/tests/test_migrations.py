"""Migrations: they create the tables of the models, and can be reverted."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from depot.db.models import db
from depot.maintenance import migrate


def test_the_migrations_create_the_tables_of_the_models(app):
    with app.app_context(), db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []


def test_the_migrations_can_be_reverted(fresh_app):
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
