"""Keep what operators said of two items"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "story_ruling",
        sa.Column("id", ID, nullable=False),
        sa.Column("act", ID, nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("other_url", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("taken_back_at", sa.BigInteger()),
        sa.Column("taken_back_by", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_story_ruling"),
    )
    op.create_index("ix_story_ruling_act", "story_ruling", ["act"])
    op.create_index("ix_story_ruling_at", "story_ruling", ["at"])
