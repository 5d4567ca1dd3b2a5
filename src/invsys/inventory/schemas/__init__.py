"""The wire format: schemas (marshmallow) of request bodies, responses and queries."""
