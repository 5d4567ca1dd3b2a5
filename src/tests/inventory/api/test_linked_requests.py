"""Generated sequences of requests that follow the links of the OpenAPI document get the documented responses.

``make fuzz`` sends 100,000 requests, a third of them to SQLite, to PostgreSQL and through the gateway, and prints the
seed; ``make test`` sends a few, the same in each run.
"""

import os
import random
import sys
from collections import Counter

import hypothesis
import pytest
import schemathesis

from invsys.testing.database import delete_all_rows
from tests.support.closed_responses import close_responses
from tests.support.hours_in_2099 import period_fields
from tests.support.response_checks import OF_SEQUENCES, WITHOUT_VALIDITY

IS_FUZZING = "FUZZ_CASES" in os.environ
# Sequences are generated until this number of requests has been sent.
CASES = int(os.environ["FUZZ_CASES"]) // 3 if IS_FUZZING else 300
SEED = int(os.environ.get("FUZZ_SEED") or (random.randrange(2**32) if IS_FUZZING else 1))
STEPS = 30


def is_valid_allocation(case):
    """Return whether a request creates an allocation with a body that is valid against the schema.

    Nearly all such bodies are refused, because their periods are not valid, which a schema cannot express.
    """
    return (
        case.method == "POST"
        and case.path.endswith(("{resource_id}/allocations", "any/allocations"))
        and case.meta.generation.mode.is_positive
        and isinstance(case.body, dict)
    )


def make_acceptable(case, choices):
    """Replace the period of most allocations by one that is valid."""
    if is_valid_allocation(case) and choices.random() < 0.7:
        start = choices.randrange(20)
        for name in ("from_infinity", "to_infinity", "attributes", "hold_seconds"):
            case.body.pop(name, None)
        case.body.update(period_fields(start, start + choices.randrange(1, 4)))


def published_document(client):
    """Return the document without authentication, which every request has, and closed.

    Closed, so that the checks find undocumented members, statuses and codes.
    """
    document = close_responses(client.get("/api/openapi.json").json)
    for operation in (operation for item in document["paths"].values() for operation in item.values()):
        if isinstance(operation, dict):
            # Schemathesis would expect that requests without the key of a client are refused.
            operation["security"] = []
    return document


@pytest.mark.through_gateway
def test_generated_sequences_get_the_documented_responses(app, client, capsys):
    schema = schemathesis.openapi.from_dict(published_document(client))
    schema.app = client.application
    authorization = client.environ_base.get("HTTP_AUTHORIZATION")
    sent, choices = Counter(), random.Random(SEED)

    class Sequence(schema.as_state_machine()):
        """A sequence of requests to an inventory with one vehicle in each collection."""

        def setup(self):
            with app.app_context():
                delete_all_rows()
            for collection in ("cars", "lorries", "trucks"):
                client.post(f"/api/{collection}", json={"name": "Present"})

        def get_call_kwargs(self, case):
            headers = {"Accept-Encoding": "identity", "Authorization": authorization}
            return {"headers": {name: value for name, value in headers.items() if value}}

        def before_call(self, case):
            make_acceptable(case, choices)

        def validate_response(self, response, case, **options):
            sent[response.status_code] += 1
            # Schemathesis sends an object as attribute.KEY[name]=value, which is a valid filter for another key.
            has_objects = any(isinstance(value, dict) for value in (case.query or {}).values())
            checks = WITHOUT_VALIDITY if has_objects else OF_SEQUENCES
            case.validate_response(response, checks=checks, recorder=self.recorder, transport_kwargs=options)

    settings = hypothesis.settings(
        max_examples=10,
        stateful_step_count=STEPS,
        phases=[hypothesis.Phase.generate],
        derandomize=False,
        print_blob=True,
    )
    seed = SEED
    while sent.total() < CASES:
        hypothesis.seed(seed)(Sequence)
        Sequence.run(settings=settings)
        seed += 1
    with capsys.disabled():
        statuses = dict(sorted(sent.items()))
        sys.stdout.write(f"\n{sent.total()} requests, FUZZ_SEED={SEED}; statuses: {statuses}\n")
    # Make sure that the requests were not all refused.
    assert {200, 201, 404, 422} <= set(sent)
    assert not IS_FUZZING or {204, 304, 409, 412} <= set(sent)
