"""Builds the gateway's Flask application; the only module that knows all the others."""

from pathlib import Path

from flask import Flask

from invsys.chassis.access import allowed_hosts
from invsys.chassis.config.settings import Section, Settings
from invsys.chassis.documentation import problem_pages
from invsys.chassis.http import default_headers, problems, request_body, request_id
from invsys.chassis.ops import draining, health, metrics, request_log
from invsys.gateway import cors, errors, settings
from invsys.gateway import metrics as gateway_metrics
from invsys.gateway.auth.authenticator import Authentication
from invsys.gateway.auth.clients_file import ClientsFile
from invsys.gateway.auth.jwks import Keys
from invsys.gateway.auth.jwt import Tokens
from invsys.gateway.pipeline import Door
from invsys.gateway.rate_limit.limits import Limits
from invsys.gateway.upstream.proxy import Forwarding
from invsys.gateway.upstream.service import Service


def create_app() -> Flask:
    """Build the application from the settings in force; raises ``invsys.chassis.config.settings.SettingsError``."""
    in_force = settings.load()
    request_log.configure(in_force["log"])
    return build_app(in_force)


def build_app(in_force: Settings) -> Flask:
    """Build the application; asks no service yet."""
    app = Flask("invsys.gateway", static_folder=None)
    app.config["TRUSTED_PROXIES"] = in_force["server"]["trusted_proxies"]
    # One path names one thing: no redirect from //api/cars.
    app.url_map.merge_slashes = False

    # What is registered first sees the answer last: the log has the id and the time that the others set.
    draining.register(app)
    request_log.register(app, gateway_metrics.line)
    request_id.register(app)
    metrics.register(app, metrics.allowed_networks(in_force))
    problems.register(app)
    limits = Limits(in_force["limits"])
    # A request with a wrong host name counts as one of an unknown caller, so that its refusals are limited.
    allowed_hosts.register(app, in_force["server"], lambda: limits.count(None))
    default_headers.register(app)
    request_body.register(app, in_force["server"])
    clients = ClientsFile(Path(in_force["clients"]["file"]))
    health.register(app, clients.require)
    app.config["OPENAPI_DOCUMENT"] = "/api/openapi.json"
    app.register_blueprint(problem_pages.pages_of(errors))
    door = Door(Authentication(clients, _tokens(in_force["jwt"])), limits, _forwarding(in_force))
    door.register(app, in_force["routes"])
    cors.allow(app, settings.words(in_force["cors"]["origins"]))
    return app


def _tokens(jwt: Section) -> Tokens | None:
    return Tokens(jwt, Keys(jwt["keys"], jwt["refresh"])) if jwt["keys"] else None


def _forwarding(in_force: Settings) -> Forwarding:
    connections = in_force["server"]["threads"]
    services = {
        name: Service(settings.words(urls), in_force["upstream"], connections)
        for name, urls in in_force["services"].items()
    }
    return Forwarding(services, in_force["upstream"], in_force["limits"]["max_body"])
