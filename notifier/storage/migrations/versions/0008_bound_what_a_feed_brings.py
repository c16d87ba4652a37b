"""What a feed may still bring, what was left out of it, and what of it cannot be stored"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = (
    ("room_new", sa.Float()),
    ("room_edits", sa.Float()),
    ("room_at", sa.BigInteger()),
    ("left_out_at", sa.BigInteger()),
    ("refused", sa.Text()),
    ("refused_at", sa.BigInteger()),
)


def upgrade() -> None:
    """Bring the schema here."""
    for name, kind in COLUMNS:
        op.add_column("feed", sa.Column(name, kind, nullable=True))
    op.add_column("feed", sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("feed", "left_out")
    for name, _ in reversed(COLUMNS):
        op.drop_column("feed", name)
