"""The examples of the OpenAPI document; a test validates each against its schema."""

from typing import Any

from marshmallow import Schema

from invsys.inventory.schemas import change_list, inputs, outputs, utilisation

_PERIOD = {
    "from_datetime": "2026-11-20T10:00:00Z",
    "to_datetime": None,
    "from_infinity": False,
    "to_infinity": True,
}
_WINDOW = {
    "from_datetime": "2026-11-19T00:00:00Z",
    "to_datetime": "2026-11-21T00:00:00Z",
    "from_infinity": False,
    "to_infinity": False,
}
_STEP = {
    "from_datetime": "2026-11-20T10:00:00Z",
    "vehicles": 3,
    "held": 600,
    "allocated": {"booking": 5400, "maintenance": 3600},
}
_RESOURCE = {"name": "Car1", "attributes": {"city": "Leeds", "seats": 4, "electric": True}}
_DETAILS = {
    "allocation_type": "maintenance",
    "description": "brakes",
    "reference": "WO-4711",
    "dump": {"mechanic": "Ann"},
}
_REQUEST = {"from_datetime": _PERIOD["from_datetime"], "to_infinity": True, **_DETAILS}

# Two allocations swap their vehicles.
_LISTED: list[dict[str, Any]] = [
    {
        "id": "0d8f2d5e-9f0e-4a53-8f5b-6f1a1f2b7c22",
        "version": 1,
        "resource_id": "7a1c9c1e-2b54-4c6e-8a53-3f0d6c6d0c12",
    },
    {"id": "1e9a3e6f-0a1f-4b64-9a6c-7a2b2a3c8d23", "resource_id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11"},
]

EXAMPLES: dict[type[Schema], dict[str, Any]] = {
    inputs.NewResource: _RESOURCE,
    outputs.Resource: {
        "id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11",
        **_RESOURCE,
        "resource_type": "Car",
        "created": "2026-11-01T08:00:00Z",
        "version": 1,
        "closed_from": None,
    },
    inputs.ChangedResource: {"name": "Car1b", "closed_from": "2026-11-20T10:00:00Z"},
    inputs.NewAllocationOfAny: {**_REQUEST, "attributes": {"seats": 4}},
    inputs.ChangedAllocation: {"to_datetime": "2026-11-20T14:00:00Z", "status": "confirmed"},
    change_list.ListedChange: _LISTED[0],
    change_list.ChangeList: {"changes": _LISTED},
    inputs.NewAllocation: _REQUEST,
    outputs.Conflict: {
        "id": "0d8f2d5e-9f0e-4a53-8f5b-6f1a1f2b7c22",
        **_PERIOD,
        "allocation_type": "maintenance",
        "version": 1,
    },
    outputs.Allocation: {
        "id": "0d8f2d5e-9f0e-4a53-8f5b-6f1a1f2b7c22",
        "resource_id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11",
        "resource_type": "Car",
        **_PERIOD,
        **_DETAILS,
        "created": "2026-11-01T08:05:00.25Z",
        "version": 1,
        "status": "confirmed",
        "expires": None,
        "client_id": "monolith",
    },
    outputs.Availability: {
        "resource_id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11",
        "from_datetime": "2026-11-19T00:00:00Z",
        "to_datetime": "2026-11-21T00:00:00Z",
        "free": [{**_WINDOW, "to_datetime": "2026-11-20T10:00:00Z"}],
        "busy": [{**_WINDOW, "from_datetime": "2026-11-20T10:00:00Z"}],
    },
    utilisation.UtilisationStep: _STEP,
    utilisation.Utilisation: {
        "from_datetime": "2026-11-20T10:00:00Z",
        "to_datetime": "2026-11-20T12:00:00Z",
        "step": "PT1H",
        "steps": [_STEP, {**_STEP, "from_datetime": "2026-11-20T11:00:00Z", "held": 0, "allocated": {"booking": 3600}}],
    },
    outputs.FreeOrBusy: {**_WINDOW, "to_datetime": "2026-11-20T10:00:00Z"},
    outputs.Event: {
        "id": "93b2c9b0-4f8e-4c0b-8d0b-0f3f0f1f7a33",
        "at": "2026-11-01T08:00:00Z",
        "kind": "resource_registered",
        "resource_type": "Car",
        "resource_id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11",
        "allocation_id": None,
        "client_id": "monolith",
        "request_id": "6b88163a948d472c97ec732686ed46b8",
        "data": {
            "id": "5f0c8a3e-6a2f-4a57-9a59-0f6d3c6d0c11",
            **_RESOURCE,
            "resource_type": "Car",
            "created": "2026-11-01T08:00:00Z",
            "version": 1,
            "closed_from": None,
        },
    },
}

PROBLEM_EXAMPLE = {"detail": "A description of this failure.", "request_id": "6b88163a948d472c97ec732686ed46b8"}
