"""A create in the style of the Flask-SQLAlchemy tutorials, with the tables of the service: add, commit, refresh, dump.

It does not check for overlaps: if the database rejects an allocation, the response is a 500.
"""

import os
import uuid

from flask import Flask, Response, jsonify, request
from flask_marshmallow import Marshmallow
from marshmallow import Schema, fields
from sqlalchemy import make_url, select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, db

ma = Marshmallow()


class NewAllocation(Schema):
    from_datetime = fields.AwareDateTime(attribute="starts")
    to_datetime = fields.AwareDateTime(attribute="ends")
    allocation_type = fields.String()
    description = fields.String()


class Allocation(ma.SQLAlchemyAutoSchema):  # type: ignore[misc,name-defined]
    class Meta:
        model = ContinuousResourceAllocation


new_allocation = NewAllocation()
allocation_schema = Allocation()

app = Flask(__name__, static_folder=None)
app.config["SQLALCHEMY_DATABASE_URI"] = make_url(os.environ["INVSYS_DATABASE_URL"]).set(drivername="postgresql+psycopg")
db.init_app(app)
ma.init_app(app)


@app.get("/healthz")
def healthz() -> Response:
    return jsonify({})


@app.post("/api/cars/<uuid:resource_id>/allocations")
def create(resource_id: uuid.UUID) -> tuple[Response, int]:
    values = new_allocation.load(request.get_json())
    resource = db.session.scalars(select(ContinuousResource).filter_by(id=resource_id)).one()
    allocation = ContinuousResourceAllocation(resource_key=resource.key, **values)
    db.session.add(allocation)
    db.session.flush()
    db.session.add(_event(resource, allocation))
    db.session.commit()
    db.session.refresh(allocation)
    return jsonify(allocation_schema.dump(allocation)), 201


def _event(resource: ContinuousResource, allocation: ContinuousResourceAllocation) -> Event:
    copied = ("created", "version", "starts", "ends", "allocation_type", "description", "reference", "dump", "expires")
    return Event(
        id=uuid.uuid4(),
        kind="allocated",
        resource_type=resource.resource_type,
        resource_id=resource.id,
        allocation_id=allocation.id,
        **{name: getattr(allocation, name) for name in copied},
    )
