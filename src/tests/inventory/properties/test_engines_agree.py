"""SQLite and PostgreSQL give the same responses to one random history of operations."""

from itertools import zip_longest

import pytest

from invsys.inventory.application import build_app
from invsys.testing.database import delete_all_rows
from tests.conftest import load_settings, migrate
from tests.support.applications import close
from tests.support.change_feed import FeedReader
from tests.support.effort import THOROUGH, rounds
from tests.support.random_history import RandomHistory
from tests.support.transcript import Transcript

pytestmark = pytest.mark.one_engine
SEEDS = range(1, 6) if THOROUGH else (1,)


@pytest.fixture
def apps(postgresql, tmp_path):
    """An application on each engine."""
    postgresql.execute("CREATE DATABASE engines_agree ENCODING 'UTF8' TEMPLATE template0")
    urls = f"sqlite:///{tmp_path}/engines_agree.sqlite3", postgresql.url("engines_agree")
    for url in urls:
        migrate(url)
    apps = [build_app(load_settings(url)) for url in urls]
    yield apps
    for app in apps:
        close(app)
    postgresql.execute("DROP DATABASE engines_agree")


def responses(app, seed):
    with app.app_context():
        delete_all_rows()
    with Transcript(app) as transcript:
        RandomHistory(app, seed).play(rounds(300, 600))
        events = FeedReader(app.test_client()).new_events()
    return transcript.entries + transcript.of_events(events)


def test_both_engines_give_the_same_responses(apps):
    for seed in SEEDS:
        sqlite, postgresql = (responses(app, seed) for app in apps)
        differences = [pair for pair in zip_longest(sqlite, postgresql) if pair[0] != pair[1]]
        assert differences[:3] == [], f"seed {seed}"
        assert len(sqlite) > 600
