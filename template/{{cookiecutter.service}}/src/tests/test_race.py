"""Concurrent requests: of several conflicting ones, exactly one succeeds."""

from concurrent.futures import ThreadPoolExecutor

CALLERS = 8


def concurrently(app, call):
    """Make a call in several threads at once, each with its own client; return the sorted statuses."""
    with ThreadPoolExecutor(CALLERS) as callers:
        responses = list(callers.map(lambda _: call(app.test_client()), range(CALLERS)))
    return sorted(answer.status_code for answer in responses)


def test_one_of_several_creates_with_the_same_name_succeeds(app):
    statuses = concurrently(app, lambda client: client.post("/api/pallets", json={"name": "First"}))
    assert statuses == [201] + [409] * (CALLERS - 1)


def test_one_of_several_changes_of_the_same_version_succeeds(app):
    answer = app.test_client().post("/api/pallets", json={"name": "First"})
    url, condition = answer.headers["Location"], {"If-Match": answer.headers["ETag"]}
    statuses = concurrently(app, lambda client: client.patch(url, json={"description": "moved"}, headers=condition))
    assert statuses == [200] + [412] * (CALLERS - 1)


def test_a_change_to_the_current_values_makes_no_new_version(app):
    url = app.test_client().post("/api/pallets", json={"name": "First"}).headers["Location"]
    statuses = concurrently(app, lambda client: client.patch(url, json={"description": "moved"}))
    assert statuses == [200] * CALLERS
    assert app.test_client().get(url).headers["ETag"] == '"2"'
