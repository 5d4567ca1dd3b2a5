"""The manual's page about the client: the examples work as printed, and the tables list every call."""

import doctest
import threading

import pytest
from werkzeug.serving import make_server

from invsys_client import Client, Collection
from tests.support.paths import PROJECT

PAGE = "docs/source/client.rst"


@pytest.fixture
def base_url(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_examples_work_as_printed(base_url):
    text = (PROJECT / PAGE).read_text().replace("http://127.0.0.1:5000", base_url)
    session = doctest.DocTestParser().get_doctest(text, {}, PAGE, PAGE, 0)
    failures: list[str] = []
    result = doctest.DocTestRunner().run(session, out=failures.append)
    assert result.attempted > 0
    assert not failures, "".join(failures)


@pytest.mark.parametrize("kind", [Client, Collection])
def test_every_call_is_in_a_table(kind):
    page = (PROJECT / PAGE).read_text().partition("All methods")[2]
    for call in dir(kind):
        assert call.startswith("_") or f"``{call}``" in page
