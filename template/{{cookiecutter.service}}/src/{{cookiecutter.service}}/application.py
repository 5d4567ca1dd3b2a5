"""Builds the depot's Flask application; the only module that knows all the others."""

from collections.abc import Callable

from flask import Flask, request

from depot import api, database, settings
from depot.chassis import bodies, documentation, draining, health, metrics, problems, request_id, request_log
from depot.chassis.settings import Settings


def create_app() -> Flask:
    """Build the application from the settings in force, and refuse a database that must not be used.

    Raises ``depot.chassis.settings.SettingsError``, ``errors.UnfitDatabase``.
    """
    in_force = settings.load()
    request_log.configure(in_force["log"])
    app = build_app(in_force)
    with app.app_context():
        database.require_fit_to_start()
    return app


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
    metrics.register(app)
    problems.register(app)
    bodies.register(app)
    database.configure(app, in_force)
    require_fit = _fitness()
    _wait_for_a_fit_database(app, require_fit)
    health.register(app, require_fit)
    api.register(app)
    documentation.register(app)
    return app


def _fitness() -> Callable[[], None]:
    """Give what asks the database whether it is fit, and once it was, only whether it is there.

    A newer version may have migrated it meanwhile: a migration leaves the version before it working.
    """
    fit = False

    def require() -> None:
        nonlocal fit
        if fit:
            database.revision()
        else:
            database.require_fit()
            fit = True

    return require


def _wait_for_a_fit_database(app: Flask, require_fit: Callable[[], None]) -> None:
    """Serve nothing from a database until it was once seen to be fit: it may have been away at the start."""
    seen = False

    @app.before_request
    def check() -> None:
        nonlocal seen
        if not seen and _uses_the_database():
            require_fit()
            seen = True


def _uses_the_database() -> bool:
    # What the problems mean is written in the code.
    return request.path.startswith("/api/")
