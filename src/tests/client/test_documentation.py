"""The manual's page about the client: the examples work as printed, and the tables list every call."""

import doctest
import re
from collections import Counter

import pytest

from invsys_client import AsyncClient, AsyncCollection, Client, Collection
from tests.support.paths import PROJECT
from tests.support.serving_apps import served_app

PAGE = "docs/source/client.rst"
TEXT = (PROJECT / PAGE).read_text()
JOBS = ["Search, hold and confirm", "A nightly copy", "A broken lorry"]
URL = "http://127.0.0.1:5000"


def play(text, url):
    """Run the examples of a text against a service."""
    session = doctest.DocTestParser().get_doctest(text.replace(URL, url), {}, PAGE, PAGE, 0)
    failures: list[str] = []
    result = doctest.DocTestRunner().run(session, out=failures.append)
    assert result.attempted > 0
    assert not failures, "".join(failures)


def test_the_examples_work_as_printed(app):
    with served_app(app) as url:
        play(TEXT, url)


class LosesResponses:
    """An application that executes each request, but loses the first response to each kind of request."""

    def __init__(self, app):
        self._app, self.lost = app, Counter()

    def __call__(self, environ, start_response):
        request = environ["REQUEST_METHOD"], re.sub(r"[0-9a-f-]{36}", "ID", environ["PATH_INFO"])
        self.lost[request] += 1
        if self.lost[request] > 1:
            return self._app(environ, start_response)
        response = self._app(environ, lambda *_: None)
        getattr(response, "close", lambda: None)()
        start_response("502 Bad Gateway", [("Content-Type", "text/html"), ("Content-Length", "0")])
        return [b""]


def test_the_three_jobs_work_over_lost_responses(app):
    jobs = TEXT.partition("The first call\n---")[2].partition("More examples\n---")[0]
    faulty = LosesResponses(app)
    with served_app(faulty) as url:
        play(jobs, url)
    changing = {(method, path.rpartition("/")[2]) for method, path in faulty.lost if method != "GET"}
    assert changing == {("POST", "lorries"), ("POST", "allocations"), ("POST", "changes"), ("PATCH", "ID")}


@pytest.mark.parametrize("title", JOBS)
def test_a_job_has_fewer_than_25_lines(title):
    section = TEXT.partition(f"\n{title}\n~~~")[2].partition("\n~~~")[0].partition("\n---")[0]
    lines = re.findall(r"^    (?:>>>|\.\.\.) .*$", section, re.MULTILINE)
    assert 0 < len(lines) < 25


@pytest.mark.parametrize("kind", [Client, Collection])
def test_every_call_is_in_a_table(kind):
    page = TEXT.partition("All methods")[2]
    for call in dir(kind):
        assert call.startswith("_") or f"``{call}``" in page


@pytest.mark.parametrize(("kind", "asynchronous"), [(Client, AsyncClient), (Collection, AsyncCollection)])
def test_both_clients_have_the_same_calls(kind, asynchronous):
    names = [name for name in dir(kind) if not name.startswith("_")]
    assert names == [name for name in dir(asynchronous) if not name.startswith("_")]
    for name in names:
        call = getattr(kind, name)
        assert call.__doc__
        assert name in {"collection", "events", "close"} or call is getattr(asynchronous, name)
