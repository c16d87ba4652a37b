"""Count receipts, and how long alerts took; try those again first who were here last"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema here."""
    for column in (
        sa.Column("published_at", sa.BigInteger()),
        sa.Column("fetched_at", sa.BigInteger()),
        sa.Column("receipt", sa.String(32)),
    ):
        op.add_column("alert", column)
    op.create_index("ix_alert_receipt", "alert", ["receipt"], unique=True)
    op.create_table(
        "alert_receipt",
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_receipt_alert_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", "kind", name="pk_alert_receipt"),
    )
    op.create_table(
        "alert_time",
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("le_s", sa.Float(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_time_alert_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", "stage", "le_s", name="pk_alert_time"),
    )
    _order_retries()


def _order_retries() -> None:
    for column in (
        sa.Column("push_service", sa.String(64), nullable=False, server_default=""),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("delivery_retry", column)
    op.execute(
        "UPDATE delivery_retry SET"
        " push_service = (SELECT push_service FROM subscription WHERE subscription.id = subscription_id),"
        " seen_at = (SELECT last_seen_at FROM subscription WHERE subscription.id = subscription_id)"
    )
    op.create_index("ix_delivery_retry_due", "delivery_retry", ["alert_id", "push_service", "next_attempt_at"])
    op.create_index("ix_delivery_retry_seen", "delivery_retry", ["alert_id", "push_service", "seen_at"])
