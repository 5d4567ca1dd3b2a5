"""The checks of schemathesis that compare responses with the OpenAPI document."""

from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

# All checks of single responses except positive_data_acceptance, because a schema cannot express from < to.
OF_RESPONSES = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
)
# The checks for requests of which it is not known whether they are valid.
WITHOUT_VALIDITY = tuple(check for check in OF_RESPONSES if check is not checks.negative_data_rejection)
# The checks of responses to sequences of requests: what was deleted is not found, and what was created is found.
OF_SEQUENCES = (*OF_RESPONSES, checks.use_after_free, checks.ensure_resource_availability)
