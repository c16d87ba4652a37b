"""What workers know together of a push service that limits the site"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "push_limit",
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_push_limit"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("push_limit")
