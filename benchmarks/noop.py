"""What does a Flask route cost that does nothing? The measure of every rate in the table: same server, same workers."""

from flask import Flask, Response

app = Flask(__name__, static_folder=None)


@app.get("/healthz")
def nothing() -> Response:
    """Answer a few bytes."""
    return Response(b"{}", mimetype="application/json")
