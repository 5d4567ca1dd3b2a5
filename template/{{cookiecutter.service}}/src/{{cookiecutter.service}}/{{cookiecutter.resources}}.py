"""The verbs and the questions of pallets: register, change, remove; one of them, a page of them."""

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
    made = Pallet(name=name, description=description, created_by=created_by)
    try:
        with database.write() as session:
            session.add(made)
    except IntegrityError as error:
        raise _name_taken(name) from error
    return made


def one(pallet_id: uuid.UUID) -> Pallet:
    """Give one; raises PalletNotFound."""
    with database.read() as session:
        return _require(session, pallet_id)


def page(limit: int, after: str = "") -> Sequence[Pallet]:
    """Give up to ``limit`` in the order of their names, those after a name."""
    statement = select(Pallet).where(Pallet.name > after).order_by(Pallet.name).limit(limit)
    with database.read() as session:
        return session.scalars(statement).all()


def change(
    pallet_id: uuid.UUID,
    changes: dict[str, Any],
    versions: Collection[int] | None = None,
) -> Pallet:
    """Set what ``changes`` names, if the pallet is at one of ``versions`` (None: at any).

    Raises PalletNotFound, VersionMismatch, NameTaken.
    """
    try:
        with database.write() as session:
            found = _require(session, pallet_id, versions, lock=True)
            for name, value in changes.items():
                setattr(found, name, value)
    except IntegrityError as error:
        raise _name_taken(changes["name"]) from error
    return found


def remove(pallet_id: uuid.UUID, versions: Collection[int] | None = None) -> None:
    """Remove a pallet, if it is at one of ``versions`` (None: at any).

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
    found = session.get(Pallet, pallet_id, with_for_update=lock)
    if found is None:
        raise PalletNotFound(f"There is no pallet with the id {pallet_id}.")
    if versions is not None and found.version not in versions:
        raise VersionMismatch(found.version)
    return found


def _name_taken(name: str) -> NameTaken:
    return NameTaken(f"Another pallet is called {name!r}.")
