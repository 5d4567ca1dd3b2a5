"""A create with the algorithm of the tutorial on which this service is based.

It loads all allocations of the vehicle and checks for overlaps in Python. It uses SQLite with its own tables. They have
no constraint, so two concurrent requests can allocate the same period.
"""

import os
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, make_url, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

db = SQLAlchemy()

_SEED = """
    WITH RECURSIVE hours (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hours WHERE n < :count - 1)
    INSERT INTO allocation (car_id, from_datetime, to_datetime)
    SELECT :car, strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', (2 * n) || ' hours') || '.000000',
           strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', (2 * n + 1) || ' hours') || '.000000'
    FROM hours
"""


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
    app.config["SQLALCHEMY_DATABASE_URI"] = make_url(url)
    db.init_app(app)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/api/cars/<car_id>/allocations", view_func=create, methods=["POST"])
    return app


def seed(url: str, count: int) -> uuid.UUID:
    """Create the tables and a car with ``count`` allocations; return the id of the car."""
    car = uuid.uuid4()
    with build_app(url).app_context():
        db.create_all()
        db.session.add(Car(id=str(car)))
        db.session.flush()
        db.session.execute(text(_SEED), {"count": count, "car": str(car)})
        db.session.commit()
        db.engine.dispose()
    return car


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
