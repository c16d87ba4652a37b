"""Keep who got in and who was refused, and that there has been a first administrator"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_who_client", "audit_entry", ["who", "client"])
    op.create_table(
        "house_fact",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_house_fact"),
    )
    # Where there is an operator, the link for the first administrator has been used, or was never needed.
    op.execute(
        "INSERT INTO house_fact (name, at) SELECT 'first-operator', created_at FROM operator ORDER BY id LIMIT 1"
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("house_fact")
    op.drop_table("audit_entry")
