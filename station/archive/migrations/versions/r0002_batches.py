"""Hands-free batches, what a side looks like, and what the retention policy must know."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From 0001 to 0002; scans from before belong to no batch."""
    op.add_column("scan", sa.Column("batch", sa.String(32), nullable=False, server_default=sa.text("''")))
    op.add_column("scan", sa.Column("withdrawn", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("scan", sa.Column("kept", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("scan", sa.Column("removed", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_index("ix_scan_batch", "scan", ["batch"])
    op.create_table(
        "appearance",
        sa.Column("scan_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.Column("layout", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name="fk_appearance_scan_id"),
        sa.PrimaryKeyConstraint("scan_id", name="pk_appearance"),
    )
