"""The application factory of the inventory service: routes, error handlers and request checks."""

from flask import Flask, request

from invsys.chassis import documentation
from invsys.chassis.access import allowed_hosts, gateway_secret, path_prefix
from invsys.chassis.config.settings import Settings
from invsys.chassis.http import default_headers, problems, request_body, request_id
from invsys.chassis.ops import draining, health, metrics, readiness, request_log
from invsys.inventory import api, openapi, state_metrics, ui
from invsys.inventory.db import engine, schema_check
from invsys.inventory.db.standbys import reads as standby_reads
from invsys.inventory.maintenance import usable_database
from invsys.inventory.queries import cursors
from invsys.inventory.settings import load as load_settings


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
    app = Flask("invsys.inventory", static_folder=None)
    app.config["MAX_BODY"] = settings["api"]["max_body"]
    app.config["COLLECTIONS"] = settings["resource_types"]
    app.config["NAIVE_DATETIMES"] = settings["api"]["naive_datetimes"]
    app.config["ANY_STRATEGY"] = settings["api"]["any_strategy"]
    app.config["BEST_FIT_SAMPLE"] = settings["api"]["best_fit_sample"]
    app.config["IDEMPOTENCY_TTL"] = settings["api"]["idempotency_ttl"]
    app.config["CLIENT_LIMITS"] = settings["limits"]
    app.config["TRUSTED_PROXIES"] = settings["server"]["trusted_proxies"]
    # Answer //api/cars with 404 instead of a redirect to /api/cars.
    app.url_map.merge_slashes = False

    # Flask calls after_request functions in reverse order. The request log is registered early, to see the final
    # response.
    draining.register(app)
    request_log.register(app)
    request_id.register(app)
    state = state_metrics.StateMetrics(app)
    metrics.register(app, metrics.allowed_networks(settings), state.collect)
    problems.register(app)
    path_prefix.register(app)
    allowed_hosts.register(app, settings["server"])
    default_headers.register(app)
    gateway_secret.register(app, settings["server"]["gateway_secret"])
    request_body.register(app, settings["server"])
    engine.configure(app, settings)
    standby_reads.configure(app, settings["database"]["max_staleness"])
    state.start()
    cursors.register(app)
    ready = readiness.Readiness(usable_database.require, schema_check.revision, schema_check.require_writable)
    readiness.register(app, ready, _needs_database)
    health.register(app, ready.require)
    api.register(app, settings["resource_types"])
    openapi.register(app, settings["resource_types"])
    documentation.register(app, document="/api/openapi.json", home="/")
    ui.register(app)
    return app


def _needs_database() -> bool:
    # The OpenAPI document, the page at / and the pages under /docs are built from the code.
    return request.endpoint != "openapi" and (request.path.startswith("/api/") or request.path == "/table")
