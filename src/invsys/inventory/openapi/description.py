"""The introduction of the OpenAPI document: rules that apply to all operations, in Markdown (CommonMark)."""

# The version of the HTTP contract; the page "Compatibility" of the manual has the history.
VERSION = "1.1"

# The rule of the bodies that create allocations. A schema that expressed it would confuse generators of clients.
PERIOD = (
    "Each side of the period needs exactly one of two members: `from_datetime` or `from_infinity: true`, and"
    " `to_datetime` or `to_infinity: true`. `null` and `false` mean absent."
)

TEXT = """
Vehicles and their allocations. The database itself refuses two allocations of one vehicle for the same instant.

**Periods** are half-open, `[from, to)`: a period that begins where another ends does not overlap it. Each side is a
date-time (`from_datetime`) or infinite (`from_infinity: true`). `null` and `false` mean absent, so a client can send
back what it received. Date-times are ISO 8601, with at most six digits of a second; PostgreSQL's format
`2026-11-20 10:00:00+01` is also accepted. A date-time without an offset is read as UTC, unless the operator has
configured the service to refuse it. Responses are in UTC.

**Holds.** With `hold_seconds`, a new allocation is a hold: it blocks the period until `expires`, by the clock of the
database. `PATCH` with `status: confirmed` makes it permanent. A hold that is not confirmed in time expires, and the
period is free again.

**Closed vehicles.** From the instant `closed_from` of a vehicle on, nothing new is allocated on it (409
`resource_closed`), and it is not free. Its allocations remain: they can be shortened, moved to another vehicle and
deleted. `despite_closed: true` in the `POST` of one vehicle admits its maintenance.

**Archived allocations.** The operator can archive allocations that ended long ago. They can still be read by their id,
and in lists with `from` or `to`, but no longer changed or deleted (409 `archived`). On their vehicle, nothing can be
allocated that begins before the last of them ended (422), and this time is not free.

**Retries.** Send every `POST` with a new, unique `Idempotency-Key`. If the response is lost, repeat the request with
this key. If the first request succeeded, the service returns its result (`Idempotency-Replayed: true`) and does not
execute the request again.

**Orders.** `reference` is the caller's order number. Lists filter by it, also when the `Idempotency-Key` is too old.

**Concurrent edits.** Every item has a `version`, and its `ETag` is the version in quotes. Entries of lists, events and
conflicts have the version too. A change with `If-Match` succeeds only if the item still has that `ETag`; otherwise the
response is 412.

**Several changes** of allocations are applied together with `POST .../all/allocations/changes`, all or none. Only the
result must be without conflicts, so allocations can swap vehicles or periods. A problem of one entry has its `index`.
`"resource_id": "any"` moves an allocation to any other free vehicle.

**Ownership.** The gateway identifies the client (`X-Client-Id`), which owns the allocations that it creates. With
`X-Client-Sees: own`, the client sees only its own allocations and their events. Vehicles that other clients have
allocated are still not free.

**Lists** have pages: follow `Link: <...>; rel="next"` until a response has no such link. A cursor belongs to the path,
the order and the filters of its list. With `count=true`, `X-Total-Count` is the number of items of all pages.

**The change feed** is `/api/events`, in causal order: an event follows those it depends on; independent events
can have any order. Store `next` of each response, and send it as `after` to get the later changes. While responses have
a `Link` to the next page, there may be more events already; with filters, even after a page without any. Without
`after`, the feed begins at the oldest stored event; old events are deleted after a time that the operator sets. With
`after=now`, it begins at its end. If the event of a cursor no longer exists, the response is 410 `cursor_expired`: send
`after=now`, then read the lists, then continue from `next`. A hold blocks its period until `expires`, even if its
`expired` event appears later. Between the events of one list of changes, which have the same `request_id`,
allocations can overlap.

**Limits.** The operator can limit the number of unexpired holds of a client (429 `too_many_holds`), and how long
allocations are and how far in the future they end (422).

**Standbys.** If the operator allows it, a standby of the database answers availability, utilisation, calendars, GBFS,
lists of allocations with `from` or `to`, and lists of vehicles with `available_from` or `available_to`. Such a response
has `Age`: it has all changes that were acknowledged that many seconds ago, possibly later ones. With `Cache-Control:
no-cache` in the request the response is current, for example after a change of your own; `max-age` limits `Age`. All
other requests, and those that look for a `name` or a `reference`, are always current. A response can precede what the
change feed has already returned.

**Caching.** Responses have `Cache-Control: no-store`, except for calendars, GBFS, utilisation and static
files.

**Unknown fields** and unknown query parameters are refused.

**Later versions** can add members to responses, kinds of events, problem codes and headers. Ignore what you do not
know. The version of this document is the version of the contract; the manual has a page about compatibility.

**Problems** have a stable `code`; `type` is the path of a page that explains it. `/docs/problems` lists all codes.

**XML.** With `Accept: application/xml`, responses are XML with the same names, including problems.
""".strip()
