"""Builds the depot's Flask application; the only module that knows all the others."""

from flask import Flask, request

from depot import api, settings
from depot.chassis import documentation
from depot.chassis.access import allowed_hosts, gateway_secret
from depot.chassis.config.settings import Settings
from depot.chassis.http import default_headers, problems, request_body, request_id
from depot.chassis.ops import draining, health, metrics, readiness, request_log
from depot.db import engine, schema_check


def create_app() -> Flask:
    """Build the application from the settings in force; raises SettingsError.

    Looks at no database yet: a worker that takes another one's place serves as soon as what it finds is fit.
    """
    in_force = settings.load()
    request_log.configure(in_force["log"])
    return build_app(in_force)


def build_app(in_force: Settings) -> Flask:
    """Build the application; looks at no database yet."""
    app = Flask("depot", static_folder=None)
    app.config["MAX_BODY"] = in_force["api"]["max_body"]
    app.config["TRUSTED_PROXIES"] = in_force["server"]["trusted_proxies"]
    # One path names one thing: no redirect from //api/pallets.
    app.url_map.merge_slashes = False

    # What is registered first sees the answer last: the log has the id and the time that the others set.
    draining.register(app)
    request_log.register(app)
    request_id.register(app)
    metrics.register(app, metrics.allowed(in_force))
    problems.register(app)
    allowed_hosts.register(app, in_force["server"])
    default_headers.register(app)
    gateway_secret.register(app, in_force["server"]["gateway_secret"])
    request_body.register(app, in_force["server"])
    engine.configure(app, in_force)
    fit = readiness.Fitness(schema_check.require_current_schema, schema_check.revision)
    readiness.register(app, fit, _uses_the_database)
    health.register(app, fit.require)
    api.register(app)
    documentation.register(app)
    return app


def _uses_the_database() -> bool:
    # What the problems mean is written in the code.
    return request.path.startswith("/api/")
