"""A create with the algorithm of the tutorial on which this service is based.

It loads all allocations of the vehicle and checks for overlaps in Python. It has its own tables, without a constraint,
so two concurrent requests can allocate the same period.
"""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, ForeignKey, insert, make_url
from sqlalchemy.orm import Mapped, mapped_column, relationship

from benchmarks import calls

# The number of rows of one statement.
_BATCH = 10_000

db = SQLAlchemy()


class Car(db.Model):  # type: ignore[misc,name-defined]
    id: Mapped[str] = mapped_column(primary_key=True)
    allocations: Mapped[list["Allocation"]] = relationship()


class Allocation(db.Model):  # type: ignore[misc,name-defined]
    id: Mapped[int] = mapped_column(primary_key=True)
    car_id: Mapped[str] = mapped_column(ForeignKey(Car.id), index=True)
    from_datetime: Mapped[datetime]
    to_datetime: Mapped[datetime]


def build_app(url: str) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["SQLALCHEMY_DATABASE_URI"] = _with_driver(make_url(url))
    db.init_app(app)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/api/cars/<car_id>/allocations", view_func=create, methods=["POST"])
    return app


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def seed(url: str, cars: int, allocations: int) -> list[uuid.UUID]:
    """Create the tables and cars, each with ``allocations`` allocations on even hours; return the ids of the cars."""
    ids = [uuid.uuid4() for _ in range(cars)]
    rows: list[dict[str, Any]] = []
    with build_app(url).app_context():
        db.create_all()
        db.session.execute(insert(Car), [{"id": str(car)} for car in ids])
        for hour in range(allocations):
            start, end = (instant.replace(tzinfo=None) for instant in calls.slot(2 * hour))
            rows += [{"car_id": str(car), "from_datetime": start, "to_datetime": end} for car in ids]
            if len(rows) >= _BATCH or hour == allocations - 1:
                db.session.execute(insert(Allocation), rows)
                rows = []
        db.session.commit()
        db.engine.dispose()
    return ids


def healthz() -> Response:
    return jsonify({})


def create(car_id: str) -> tuple[Response, int]:
    start, end = (_instant(request.get_json()[name]) for name in ("from_datetime", "to_datetime"))
    car = db.get_or_404(Car, car_id)
    for other in car.allocations:
        if start < other.to_datetime and other.from_datetime < end:
            return jsonify(error="taken"), 409
    allocation = Allocation(car_id=car_id, from_datetime=start, to_datetime=end)
    db.session.add(allocation)
    db.session.commit()
    return jsonify(id=allocation.id), 201


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def __getattr__(name: str) -> Flask:
    # Built only when the server imports ``app``: during seeding, the environment variable is not set.
    if name != "app":
        raise AttributeError(name)
    return build_app(os.environ["INVSYS_DATABASE_URL"])
