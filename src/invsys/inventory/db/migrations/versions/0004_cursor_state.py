"""The secret that encrypts cursors, the last purged event, and an index for the purge of idempotency keys.

A reader's cursor points to an event. If ``purge`` has deleted that event, only this table shows whether it was the last
event deleted. If it was, the reader has missed nothing.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLE = "cursor_state"
KEYS = "idempotency_keys"


def upgrade() -> None:
    """Create the table with its only row, and the index."""
    op.create_table(
        TABLE,
        sa.Column("key", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("secret", sa.LargeBinary(64), nullable=False),
        sa.Column("purged_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("purged_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cursor_state")),
        sa.CheckConstraint("key = 1", name=op.f("ck_cursor_state_single_row")),
    )
    # As a literal, so that "upgrade --sql" can print it.
    secret = secrets.token_hex(64)
    literal = f"X'{secret}'" if op.get_bind().dialect.name == "sqlite" else f"decode('{secret}', 'hex')"
    op.execute(f"INSERT INTO {TABLE} (key, secret) VALUES (1, {literal})")
    op.create_index(op.f("ix_idempotency_keys_created"), KEYS, ["created"])


def downgrade() -> None:
    """Drop the table and the index. After the next upgrade, readers of the change feed must start over."""
    op.drop_index("ix_idempotency_keys_created", KEYS)
    op.drop_table(TABLE)
