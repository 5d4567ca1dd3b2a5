"""The sessions of the client's page run as printed, over a real socket; its tables have every method."""

import doctest
import threading

import pytest
from werkzeug.serving import make_server

from invsys.client import Client, Collection
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


def test_the_session_runs_as_printed(base_url):
    text = (PROJECT / PAGE).read_text().replace("http://127.0.0.1:5000", base_url)
    session = doctest.DocTestParser().get_doctest(text, {}, PAGE, PAGE, 0)
    output: list[str] = []
    result = doctest.DocTestRunner().run(session, out=output.append)
    assert result.attempted > 0
    assert not output, "".join(output)


@pytest.mark.parametrize("kind", [Client, Collection])
def test_every_method_is_in_the_table(kind):
    tables = (PROJECT / PAGE).read_text().partition("All methods")[2]
    for method in vars(kind):
        assert method.startswith("_") or f"``{method}``" in tables
