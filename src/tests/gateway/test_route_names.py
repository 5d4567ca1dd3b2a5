"""Routes are spelled the same in the metrics and logs of both services, and in the OpenAPI document."""

from invsys.chassis import routes

# Routes that only the gateway serves, and the pages below /docs, which it forwards under one route.
GATEWAY_ONLY = {"/whoami", "/docs/{page}", "/docs/static/{filename}"}


def test_every_route_of_the_gateway_is_a_path_of_the_document(front_door, app):
    gateway = front_door.connect(app)
    document = app.test_client().get("/api/openapi.json").json
    templates = {routes.path_template(rule.rule) for rule in gateway.url_map.iter_rules()}
    # The gateway has a page for each of its own problem codes.
    templates = {template for template in templates if not template.startswith("/docs/problems/")}
    assert {template.rstrip("/") or "/" for template in templates} - set(document["paths"]) <= GATEWAY_ONLY
    api = {path for path in document["paths"] if path.startswith("/api/")}
    assert api <= templates
