"""Keep the agency or the photographer whom a feed credits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column("item", sa.Column("credit", sa.Text(), nullable=True))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("item", "credit")
