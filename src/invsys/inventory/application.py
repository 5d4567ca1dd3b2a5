"""Builds the inventory's Flask application; the only module that knows all the others."""

from flask import Flask, request

from invsys.chassis import documentation
from invsys.chassis.access import allowed_hosts, gateway_secret
from invsys.chassis.config.settings import Settings
from invsys.chassis.http import default_headers, problems, request_body, request_id
from invsys.chassis.ops import draining, health, metrics, readiness, request_log
from invsys.inventory import api, openapi, settings, ui
from invsys.inventory.db import engine, schema_check
from invsys.inventory.queries import cursors


def create_app() -> Flask:
    """Build the application from the settings in force; raises SettingsError.

    Looks at no database yet: a worker that takes another one's place serves as soon as what it finds is fit.
    """
    in_force = settings.load()
    request_log.configure(in_force["log"])
    return build_app(in_force)


def build_app(in_force: Settings) -> Flask:
    """Build the application; looks at no database yet."""
    app = Flask("invsys.inventory", static_folder=None)
    app.config["MAX_BODY"] = in_force["api"]["max_body"]
    app.config["COLLECTIONS"] = in_force["resource_types"]
    app.config["NAIVE_DATETIMES"] = in_force["api"]["naive_datetimes"]
    app.config["ANY_STRATEGY"] = in_force["api"]["any_strategy"]
    app.config["IDEMPOTENCY_TTL"] = in_force["api"]["idempotency_ttl"]
    app.config["CLIENT_LIMITS"] = in_force["limits"]
    app.config["TRUSTED_PROXIES"] = in_force["server"]["trusted_proxies"]
    # One path names one thing: no redirect from //api/cars.
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
    cursors.register(app)
    fit = readiness.Fitness(schema_check.require_current_schema, schema_check.revision)
    readiness.register(app, fit, _uses_the_database)
    health.register(app, fit.require)
    api.register(app, in_force["resource_types"])
    openapi.register(app, in_force["resource_types"])
    documentation.register(app, document="/api/openapi.json")
    ui.register(app)
    return app


def _uses_the_database() -> bool:
    # The document is made from the code alone, and /docs shows it.
    return request.endpoint != "openapi" and (request.path.startswith("/api/") or request.path == "/")
