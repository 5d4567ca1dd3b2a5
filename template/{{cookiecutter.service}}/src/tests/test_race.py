"""Many callers at once: what can be done once is done once, and everybody else is told so."""

from concurrent.futures import ThreadPoolExecutor

CALLERS = 8


def at_once(app, call):
    """Let every caller make the call with a client of its own; gives the statuses, sorted."""
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(lambda _: call(app.test_client()), range(CALLERS)))
    return sorted(answer.status_code for answer in answers)


def test_a_name_is_given_once(app):
    statuses = at_once(app, lambda client: client.post("/api/pallets", json={"name": "First"}))
    assert statuses == [201] + [409] * (CALLERS - 1)


def test_a_version_is_changed_once(app):
    answer = app.test_client().post("/api/pallets", json={"name": "First"})
    url, known = answer.headers["Location"], {"If-Match": answer.headers["ETag"]}
    statuses = at_once(app, lambda client: client.patch(url, json={"description": "moved"}, headers=known))
    assert statuses == [200] + [412] * (CALLERS - 1)


def test_a_change_that_is_there_already_makes_no_new_version(app):
    url = app.test_client().post("/api/pallets", json={"name": "First"}).headers["Location"]
    statuses = at_once(app, lambda client: client.patch(url, json={"description": "moved"}))
    assert statuses == [200] * CALLERS
    assert app.test_client().get(url).headers["ETag"] == '"2"'
