"""The first form of the catalogue."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing to 0001."""
    _station_and_scan()
    _result()
    _event()
    _outbox()


def _station_and_scan() -> None:
    op.create_table(
        "station",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.Column("boot", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_station"),
    )
    op.create_table(
        "scan",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("station", sa.String(32), nullable=False),
        sa.Column("card_id", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("unreadable", sa.Text(), nullable=False),
        sa.Column("stages_s", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["station"], ["station.name"], name="fk_scan_station"),
        sa.PrimaryKeyConstraint("id", name="pk_scan"),
    )
    op.create_index("ix_scan_card_id", "scan", ["card_id"])
    op.create_index("ix_scan_station_state", "scan", ["station", "state"])


def _result() -> None:
    op.create_table(
        "result",
        sa.Column("scan_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name="fk_result_scan_id"),
        sa.PrimaryKeyConstraint("scan_id", "number", name="pk_result"),
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("station", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("boot", sa.String(64), nullable=False),
        sa.Column("time", sa.String(40), nullable=False),
        sa.Column("mono_s", sa.Float(53), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["station"], ["station.name"], name="fk_event_station"),
        sa.PrimaryKeyConstraint("station", "seq", name="pk_event"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("scan_id", sa.String(32), nullable=False),
        sa.Column("station", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("time", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name="fk_outbox_scan_id"),
        sa.ForeignKeyConstraint(["station"], ["station.name"], name="fk_outbox_station"),
        sa.PrimaryKeyConstraint("scan_id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_station_state", "outbox", ["station", "state"])
