"""The application factory of the depot service: routes, error handlers and request checks."""

from flask import Flask, request

from depot import api
from depot.chassis import documentation
from depot.chassis.access import allowed_hosts, gateway_secret, path_prefix
from depot.chassis.config.settings import Settings
from depot.chassis.http import default_headers, problems, request_body, request_id
from depot.chassis.ops import draining, health, metrics, readiness, request_log
from depot.db import engine, schema_check
from depot.settings import load as load_settings


def create_app() -> Flask:
    """Build the application from the current settings, and configure its log; raises SettingsError.

    No connection to the database is opened, so a new worker can start while the database is unreachable or outdated.
    Requests that need the database get 503 until it can be used.
    """
    settings = load_settings()
    request_log.configure(settings["log"])
    return build_app(settings)


def build_app(settings: Settings) -> Flask:
    """Build the application; no connection to the database is opened."""
    app = Flask("depot", static_folder=None)
    app.config["MAX_BODY"] = settings["api"]["max_body"]
    app.config["TRUSTED_PROXIES"] = settings["server"]["trusted_proxies"]
    # Answer //api/pallets with 404 instead of a redirect to /api/pallets.
    app.url_map.merge_slashes = False

    # Flask calls after_request functions in reverse order. The request log is registered early, to see the final
    # response.
    draining.register(app)
    request_log.register(app)
    request_id.register(app)
    metrics.register(app, metrics.allowed_networks(settings))
    problems.register(app)
    path_prefix.register(app)
    allowed_hosts.register(app, settings["server"])
    default_headers.register(app)
    gateway_secret.register(app, settings["server"]["gateway_secret"])
    request_body.register(app, settings["server"])
    engine.configure(app, settings)
    ready = readiness.Readiness(
        schema_check.require_compatible_schema, schema_check.revision, schema_check.require_writable
    )
    readiness.register(app, ready, _needs_database)
    health.register(app, ready.require)
    api.register(app)
    documentation.register(app)
    return app


def _needs_database() -> bool:
    # The pages under /docs are built from the code.
    return request.path.startswith("/api/")
