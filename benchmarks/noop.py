"""A Flask route that does nothing; the table compares the rate of every request with the rate of this route."""

from flask import Flask, Response

app = Flask(__name__, static_folder=None)


@app.get("/healthz")
def healthz() -> Response:
    """Return a few bytes."""
    return Response(b"{}", mimetype="application/json")
