"""A Flask route that does nothing, on the same server: the reference for every rate in the table."""

from flask import Flask, Response

app = Flask(__name__, static_folder=None)


@app.get("/healthz")
def healthz() -> Response:
    """Return a few bytes."""
    return Response(b"{}", mimetype="application/json")
