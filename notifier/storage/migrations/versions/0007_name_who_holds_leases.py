"""Processes have names, and subscribers' times are kept by the day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DAY_US = 86_400_000_000
PERSONAL = (
    ("subscription", "created_at"),
    ("subscription", "last_seen_at"),
    ("subscription_end", "at"),
    ("delivery_retry", "seen_at"),
)


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "process",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_process"),
    )
    for table, column in PERSONAL:
        time = sa.column(column, sa.BigInteger)
        op.execute(sa.update(sa.table(table, time)).values({column: time - time % DAY_US}))


def downgrade() -> None:
    """Undo it. The times of day are gone for good."""
    op.drop_table("process")
