"""Request lines that Werkzeug would read as another one are refused before any route is chosen."""

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from invsys.chassis.access import allowed_hosts
from invsys.chassis.http import problems


@pytest.fixture
def app():
    app = Flask(__name__)
    problems.register(app)
    allowed_hosts.register(app, {"allowed_hosts": "", "host": "127.0.0.1"})
    app.add_url_rule("/cars", view_func=lambda: "cars", methods=["GET", "POST", "M-SEARCH"])
    return app


def status(app, method, path):
    environ = EnvironBuilder("/").get_environ() | {"REQUEST_METHOD": method, "PATH_INFO": path}
    return int(run_wsgi_app(app, environ, buffered=True)[1][:3])


@pytest.mark.parametrize("method", ["get", "Get", "post", "pOST", "head", "options", "frob", "-", "1"])
def test_a_method_in_lower_case_is_refused(app, method):
    assert status(app, "GET", "/cars") == 200
    assert status(app, method, "/cars") == 400


@pytest.mark.parametrize(("method", "expected"), [("GET", 200), ("POST", 200), ("M-SEARCH", 200), ("FROB", 405)])
def test_a_method_in_upper_case_is_routed(app, method, expected):
    assert status(app, method, "/cars") == expected


@pytest.mark.parametrize("path", ["//cars", "///cars", "//", "//example.com/cars"])
def test_a_path_with_two_slashes_at_its_start_is_not_found(app, path):
    assert status(app, "GET", "/cars") == 200
    assert status(app, "GET", path) == 404
