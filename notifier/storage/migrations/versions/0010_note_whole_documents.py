"""When a feed's whole document was last seen"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here. What is known of the last success will do to begin with."""
    op.add_column("feed", sa.Column("last_body_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE feed SET last_body_at = last_success_at")


def downgrade() -> None:
    """Undo it."""
    op.drop_column("feed", "last_body_at")
