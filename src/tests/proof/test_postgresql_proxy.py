"""The proxy in front of PostgreSQL: what it passes on, and where it cuts connections."""

import time

import psycopg
import pytest
from proof.system.cluster import Cluster
from proof.system.postgresql_proxy import Cut, PostgresqlProxy, _Messages

_PLAIN = "sslmode=disable&gssencmode=disable"


@pytest.fixture(scope="module")
def cluster(system_folder, request):
    """A PostgreSQL server with an empty table; None with --sqlite-only."""
    if request.config.getoption("--sqlite-only"):
        yield None
        return
    cluster = Cluster(system_folder / "database", full=False)
    try:
        cluster.start()
        cluster.primary.execute("CREATE TABLE numbers (number integer)")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def proxy(cluster):
    if cluster is None:
        yield None
        return
    cluster.primary.execute("TRUNCATE numbers")
    with PostgresqlProxy(cluster.primary.port) as proxy:
        yield proxy


def connect(proxy, **options):
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?{_PLAIN}"
    return psycopg.connect(url, autocommit=True, **options)


def insert_simply(connection):
    connection.execute("INSERT INTO numbers VALUES (1)")


def insert_with_parameters(connection):
    connection.execute("INSERT INTO numbers VALUES (%s) RETURNING number", (1,))


def insert_prepared(connection):
    connection.execute("INSERT INTO numbers SELECT %s WHERE %s", (0, False), prepare=True)
    connection.execute("INSERT INTO numbers SELECT %s WHERE %s", (1, True), prepare=True)


def insert_in_a_query(connection):
    connection.execute("WITH made AS (INSERT INTO numbers VALUES (%s) RETURNING number) SELECT * FROM made", (1,))


def insert_in_a_transaction(connection):
    with connection.transaction():
        connection.execute("INSERT INTO numbers VALUES (%s)", (1,))


CHANGES = [insert_simply, insert_with_parameters, insert_prepared, insert_in_a_query, insert_in_a_transaction]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("place", "is_stored"), [(Cut.BEFORE_DELIVERY, 0), (Cut.AFTER_COMMIT, 1), (Cut.BEFORE_READY, 1)]
)
def test_a_change_that_is_cut_is_stored_or_not(cluster, proxy, change, place, is_stored):
    if proxy is None:
        return
    with connect(proxy) as connection:
        connection.execute("SELECT 1")
        # A statement that changes no row is not cut after it.
        count = 2 if change is insert_prepared and place is Cut.BEFORE_DELIVERY else 1
        proxy.cut(count, place)
        with pytest.raises(psycopg.OperationalError):
            change(connection)
    assert cluster.primary.query("SELECT count(*) FROM numbers") == [{"count": is_stored}]
    with connect(proxy) as another:
        another.execute("SELECT 1")


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_cut_is_passed_on(cluster, proxy, change):
    if proxy is None:
        return
    with connect(proxy) as connection:
        change(connection)
        rows = connection.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) n").fetchall()
    assert (len(rows), rows[-1]) == (2000, (2000, "x" * 1000))
    assert cluster.primary.query("SELECT count(*) FROM numbers") == [{"count": 1}]


def test_reads_are_not_cut(proxy):
    if proxy is None:
        return
    with connect(proxy) as connection:
        for place in Cut:
            proxy.cut(1, place)
            assert connection.execute("SELECT %s::int", (7,)).fetchone() == (7,)


def test_answers_are_delayed(proxy):
    if proxy is None:
        return
    with connect(proxy) as connection:
        proxy.delay = 0.2
        begin = time.monotonic()
        connection.execute("SELECT 1")
        assert time.monotonic() - begin >= 0.2


def test_all_connections_are_reset(proxy):
    if proxy is None:
        return
    with connect(proxy) as connection:
        proxy.drop_connections()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_server_that_does_not_listen(proxy):
    if proxy is None:
        return
    proxy.target = 1
    with pytest.raises(psycopg.OperationalError):
        connect(proxy)


def test_messages_are_found_in_any_pieces():
    first, second = b"\0\0\0\x08\0\x03\0\0", b"Q\0\0\0\x05\0"
    third = b"P" + (200).to_bytes(4, "big") + b"x" * 196
    stream = first + second + third
    for size in range(1, len(stream) + 1):
        messages = _Messages(has_type=False)
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [message for piece in pieces for message in messages.feed(piece)] == [first, second, third]
