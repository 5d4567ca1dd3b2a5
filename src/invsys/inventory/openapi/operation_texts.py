"""The name and the description of each operation in the OpenAPI document.

Generated clients name their functions after the operations: ``operationId``. A description says what the summary of
the operation (``api.operations``) does not.
"""

# By Flask's endpoint and the HTTP method. An operation with two paths has "_of_vehicle" after its name in one of them.
TEXTS: dict[tuple[str, str], tuple[str, str]] = {
    ("resourcecollection", "GET"): (
        "list_vehicles",
        "With `available_from` or `available_to`, only the vehicles that are free for the whole period.",
    ),
    ("resourcecollection", "POST"): (
        "register_vehicle",
        "No two vehicles of a collection that are in circulation have the same name.",
    ),
    ("resourceitem", "GET"): ("get_vehicle", "A decommissioned vehicle is not found; its last state is in the feed."),
    ("resourceitem", "PATCH"): (
        "change_vehicle",
        "Absent members stay as they are. `attributes` replaces all attributes, except in a merge patch.",
    ),
    ("resourceitem", "DELETE"): (
        "decommission_vehicle",
        "Refused while the vehicle has allocations that have not ended. Its name is then free again.",
    ),
    ("allocationcollection", "GET"): (
        "list_allocations_of_vehicle",
        "With `from` or `to`, only the allocations that overlap this window.",
    ),
    ("allocationcollection", "POST"): (
        "allocate_vehicle",
        "The response 409 `period_taken` lists the conflicting allocations.",
    ),
    ("allocationsofall", "GET"): (
        "list_allocations",
        "With `from` or `to`, only the allocations that overlap this window.",
    ),
    ("allocationsofany", "POST"): (
        "allocate_any_vehicle",
        "The response is one allocation; with `quantity`, a list of them. All are made, or none.",
    ),
    ("allocationchanges", "POST"): (
        "change_allocations",
        "The response has the changed allocations in the order of the request.",
    ),
    ("allocationitem", "GET"): ("get_allocation", "An expired hold is not found."),
    ("allocationitem", "PATCH"): (
        "change_allocation",
        "Absent members stay as they are. `dump` replaces the stored one, except in a merge patch.",
    ),
    ("allocationitem", "DELETE"): ("delete_allocation", "Also releases a hold."),
    ("availabilityofone", "GET"): ("get_availability", "Without `from` and `to`, the periods are of all time."),
    ("availabilityofall", "GET"): ("list_availability", "Without `from` and `to`, the periods are of all time."),
    ("fleetutilisation", "GET"): (
        "get_utilisation",
        "Each step has the number of vehicles, and the seconds for which they are held or allocated, by type.",
    ),
    ("eventcollection", "GET"): (
        "list_events",
        "The introduction of this document, above, explains how to follow the feed.",
    ),
    ("allocationcalendar", "GET"): ("get_calendar", "For calendar programs, which can subscribe to this address."),
    ("vehicleavailability", "GET"): (
        "get_gbfs_availability",
        "For programs that read the General Bikeshare Feed Specification.",
    ),
    ("healthz", "GET"): ("get_health", "Does not use the database."),
    ("readyz", "GET"): ("get_readiness", "Not ready: the response is a 503, so a load balancer sends no requests."),
    ("metrics", "GET"): ("get_metrics", "Only for the addresses that the operator has allowed."),
    ("openapi", "GET"): ("get_openapi", "In OpenAPI 3.1."),
    ("page.static", "GET"): ("get_page_file", "Scripts and styles, which the page loads."),
    ("page.show", "GET"): ("get_page", "For browsers; the page reads the fleet through this API."),
    ("table.show", "GET"): ("get_table", "For browsers, also without scripts."),
    ("swagger_ui.show", "GET"): ("get_swagger_ui", "For browsers."),
    ("swagger_ui.static", "GET"): ("get_swagger_ui_file", "Scripts and styles, which Swagger UI loads."),
    ("docs.problem_list", "GET"): ("get_problem_list", "For people who develop a caller."),
    ("docs.problem", "GET"): ("get_problem_page", "The member `type` of a problem is the path of this page."),
    ("docs.static", "GET"): ("get_docs_file", "Styles and the icon of the pages for browsers."),
}
