"""A Flask route that does no work.

The benchmark table compares the throughput of every kind of request with that of this route.
"""

from flask import Flask, Response

app = Flask(__name__, static_folder=None)


@app.get("/healthz")
def healthz() -> Response:
    """Return a few bytes."""
    return Response(b"{}", mimetype="application/json")
