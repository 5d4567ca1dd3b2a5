"""Commands and queries for pallets: register, update and delete one, get one by its id, list pages by name."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from depot.db import session as database
from depot.db.models import Pallet
from depot.errors import NameTaken, PalletNotFound, VersionMismatch


def register(name: str, description: str | None = None, created_by: str | None = None) -> Pallet:
    """Register a pallet; raises NameTaken, Unavailable."""
    row = Pallet(name=name, description=description, created_by=created_by)
    try:
        with database.write() as session:
            session.add(row)
    except IntegrityError as error:
        raise _name_taken(name) from error
    return row


def get(pallet_id: uuid.UUID) -> Pallet:
    """Return one pallet; raises PalletNotFound."""
    with database.read() as session:
        return _require(session, pallet_id)


def page(limit: int, after: str = "") -> Sequence[Pallet]:
    """Return up to ``limit`` pallets whose names follow ``after``, sorted by name."""
    statement = select(Pallet).where(Pallet.name > after).order_by(Pallet.name).limit(limit)
    with database.read() as session:
        return session.scalars(statement).all()


def update(
    pallet_id: uuid.UUID,
    changes: dict[str, Any],
    versions: Collection[int] | None = None,
) -> Pallet:
    """Update the columns in ``changes``, if the pallet has one of ``versions`` (None: any version).

    Raises PalletNotFound, VersionMismatch, NameTaken.
    """
    try:
        with database.write() as session:
            row = _require(session, pallet_id, versions, lock=True)
            for name, value in changes.items():
                setattr(row, name, value)
    except IntegrityError as error:
        raise _name_taken(changes["name"]) from error
    return row


def delete(pallet_id: uuid.UUID, versions: Collection[int] | None = None) -> None:
    """Delete a pallet, if it has one of ``versions`` (None: any version).

    Raises PalletNotFound, VersionMismatch.
    """
    with database.write() as session:
        session.delete(_require(session, pallet_id, versions, lock=True))


def _require(
    session: Session,
    pallet_id: uuid.UUID,
    versions: Collection[int] | None = None,
    *,
    lock: bool = False,
) -> Pallet:
    row = session.get(Pallet, pallet_id, with_for_update=lock)
    if row is None:
        raise PalletNotFound(f"There is no pallet with the id {pallet_id}.")
    if versions is not None and row.version not in versions:
        raise VersionMismatch(row.version)
    return row


def _name_taken(name: str) -> NameTaken:
    return NameTaken(f"Another pallet is called {name!r}.")
