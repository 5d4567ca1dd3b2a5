"""The table of pallets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pallets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("description", sa.String(200)),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(255)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pallets")),
        sa.UniqueConstraint("name", name=op.f("uq_pallets_name")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("pallets")
