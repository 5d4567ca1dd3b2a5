"""What holds for every call: the text at the head of the OpenAPI document, in Markdown (CommonMark)."""

TEXT = """
Vehicles and their allocations. The database itself refuses two allocations of one vehicle for the same instant.

**Periods** are half-open, `[from, to)`: one that begins where another ends does not overlap it. A side is either a
date-time (`from_datetime`) or infinite (`from_infinity: true`); `null` and `false` count as not given, so that what was
answered can be sent again. Date-times are ISO 8601 with at most six digits of a second's fraction; PostgreSQL's form
`2026-11-20 10:00:00+01` is understood as well. Without an offset they are UTC, unless the service is set to refuse
them. Answers are in UTC.

**Holds.** With `hold_seconds` an order blocks others until `expires`, by the database's clock. From that instant it
counts nowhere. `PATCH` with `status: confirmed` before then keeps it.

**Safe retries.** Send every `POST` with an `Idempotency-Key` of its own. Where the answer is lost, send the same
again: what was done is told again (`Idempotency-Replayed: true`), and not done again.

**Concurrent edits.** Every item has an `ETag`. With `If-Match` a change is made only if nobody else made one since.

**Whose.** A gateway in front names the client (`X-Client-Id`), who owns the allocations that it makes, and may say that
it sees only these (`X-Client-Sees: own`): others' are not there for it, except that vehicles are not free.

**Lists** come in pages: follow `Link: <...>; rel="next"` until there is none.

**The change feed** is read from `/api/events`: keep `next`, and ask with it as `after` for what has happened since.
Without `after` it begins at the oldest event kept; old ones are deleted after a time that the operator sets. With
`after=now` it begins at its end. If the event that a cursor names is gone, the answer is 410 `cursor_expired`: begin
anew with `after=now`, read the lists, then follow `next`. A held allocation counts until its `expires`, whether its
`expired` event has come or not.

**Limits.** The operator may limit how many holds a client has at a time (429 `too_many_holds`), and how far ahead and
how long its allocations are (422).

**Caching.** Responses have `Cache-Control: no-store`, except calendars, GBFS and files.

Nothing is ignored: unknown fields and query parameters are refused.

**Problems** have a `code` that stays; `type` is the path of a page about it. All are listed at `/docs/problems`.

With `Accept: application/xml` answers, problems too, are XML with the same names.
""".strip()
