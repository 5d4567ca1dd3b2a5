"""Builds the gateway's Flask application from its parts."""

from pathlib import Path

from flask import Flask

from invsys.chassis.access import allowed_hosts
from invsys.chassis.config.settings import Section, Settings
from invsys.chassis.documentation import error_pages, problem_pages
from invsys.chassis.http import default_headers, problems, request_body, request_id
from invsys.chassis.ops import draining, health, metrics, request_log
from invsys.gateway import cors, errors, settings, whoami
from invsys.gateway import metrics as gateway_metrics
from invsys.gateway.auth.authenticator import Authenticator
from invsys.gateway.auth.clients_file import ClientsFile
from invsys.gateway.auth.jwks import KeySource
from invsys.gateway.auth.jwt import TokenVerifier
from invsys.gateway.pipeline import Pipeline
from invsys.gateway.rate_limit.limits import Limits
from invsys.gateway.upstream import fleets, route_sections
from invsys.gateway.upstream.proxy import Proxy
from invsys.gateway.upstream.service import Service


def create_app() -> Flask:
    """Build the application from the configured settings; raises ``invsys.chassis.config.settings.SettingsError``."""
    config = settings.load()
    request_log.configure(config["log"])
    return build_app(config)


def build_app(config: Settings) -> Flask:
    """Build the application from the settings, without connecting to any service."""
    app = Flask("invsys.gateway", static_folder=None)
    app.config["TRUSTED_PROXIES"] = config["server"]["trusted_proxies"]
    # A path with duplicate slashes is not redirected; it gets 404 like any other unknown path.
    app.url_map.merge_slashes = False

    # after_request functions run in reverse order: the log is registered early and sees the headers set by the others.
    draining.register(app)
    request_log.register(app, gateway_metrics.log_members)
    request_id.register(app)
    metrics.register(app, metrics.allowed_networks(config))
    problems.register(app)
    fleets.register(app, config["fleets"], route_sections.fleets_by_host(config))
    limits = Limits(config["limits"])
    # A request with a rejected Host counts as anonymous, so that the number of these refusals is limited too.
    allowed_hosts.register(app, config["server"], limits.count_address)
    default_headers.register(app)
    request_body.register(app, config["server"])
    clients = ClientsFile(Path(config["clients"]["file"]))
    health.register(app, clients.require_usable)
    app.config["OPENAPI_DOCUMENT"] = "/api/openapi.json"
    app.register_blueprint(problem_pages.pages_of(errors))
    error_pages.register(app, home="/" if "/" in config["routes"] else None)
    whoami.register(app, limits)
    authenticator = Authenticator(clients, _token_verifier(config["jwt"]))
    Pipeline(authenticator, limits, _proxy(config)).register(app, config["routes"])
    cors.register(app, route_sections.split_list(config["cors"]["origins"]))
    return app


def _token_verifier(jwt: Section) -> TokenVerifier | None:
    return TokenVerifier(jwt, KeySource(jwt["keys"], jwt["refresh"])) if jwt["keys"] else None


def _proxy(config: Settings) -> Proxy:
    max_idle = config["server"]["threads"]
    urls: dict[tuple[str, str | None], str] = {(name, None): text for name, text in config["services"].items()}
    urls |= {(fleets.INVENTORY, fleet): text for fleet, text in config["fleets"].items()}
    services = {
        key: Service(route_sections.split_list(text), config["upstream"], max_idle) for key, text in urls.items()
    }
    return Proxy(services, config["upstream"], config["limits"]["max_body"])
