"""The catalogue's tables. Nothing in them is the only copy of a measurement: the scan folders are the truth.

Several stations may share one server database, so every row belongs to a station. Times are UTC in ISO 8601,
as in the documents; sizes are bytes. The types are those which SQLite and PostgreSQL both have.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

IDENTITY = String(32)
STATION = String(32)


class Base(DeclarativeBase):
    """Names for every constraint, so that a later migration can address them on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class StationRow(Base):
    """One station: the head of its journal, and whether it stopped in order."""

    __tablename__ = "station"
    name: Mapped[str] = mapped_column(STATION, primary_key=True)
    head_seq: Mapped[int] = mapped_column(BigInteger)
    clean: Mapped[bool] = mapped_column(Boolean)
    boot: Mapped[str] = mapped_column(String(64))


class ScanRow(Base):
    """One side of a card.

    `folder` is relative to the data root, empty until the stack is durable. `reason` says why capturing or
    processing ended early; `unreadable`, apart from it because it may pass, why the folder cannot be read.
    `batch` is the hands-free batch it belongs to, empty: none; `withdrawn` why the operator took it back,
    empty: it counts; `kept` keeps it from the retention policy; `removed` says when and why that removed
    its folder, empty: it did not.
    """

    __tablename__ = "scan"
    id: Mapped[str] = mapped_column(IDENTITY, primary_key=True)
    station: Mapped[str] = mapped_column(STATION, ForeignKey("station.name"))
    card_id: Mapped[str] = mapped_column(String(64), index=True)
    side: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    created: Mapped[str] = mapped_column(String(40))
    simulated: Mapped[bool] = mapped_column(Boolean)
    folder: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int] = mapped_column(BigInteger)
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    unreadable: Mapped[str] = mapped_column(Text)
    stages_s: Mapped[dict[str, Any]] = mapped_column(JSON)
    batch: Mapped[str] = mapped_column(IDENTITY, index=True, server_default=text("''"))
    withdrawn: Mapped[str] = mapped_column(Text, server_default=text("''"))
    kept: Mapped[bool] = mapped_column(Boolean, server_default=false())
    removed: Mapped[str] = mapped_column(Text, server_default=text("''"))
    __table_args__ = (Index(None, "station", "state"),)


class AppearanceRow(Base):
    """What a stored side looks like, see `documents.judgement.Appearance`; copied from its manifest."""

    __tablename__ = "appearance"
    scan_id: Mapped[str] = mapped_column(IDENTITY, ForeignKey("scan.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    bits: Mapped[bytes] = mapped_column(LargeBinary)
    layout: Mapped[bytes] = mapped_column(LargeBinary)


class ResultRow(Base):
    """One computation of a stack. `report` is relative to the data root."""

    __tablename__ = "result"
    scan_id: Mapped[str] = mapped_column(IDENTITY, ForeignKey("scan.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    report: Mapped[str | None] = mapped_column(Text)


class EventRow(Base):
    """One line of the journal. `seq` has no holes within a station and never starts again."""

    __tablename__ = "event"
    station: Mapped[str] = mapped_column(STATION, ForeignKey("station.name"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    boot: Mapped[str] = mapped_column(String(64))
    time: Mapped[str] = mapped_column(String(40))
    mono_s: Mapped[float] = mapped_column(Float(53))
    type: Mapped[str] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class OutboxRow(Base):
    """A scan that others have to get, in the order of the identities, which is that of time."""

    __tablename__ = "outbox"
    scan_id: Mapped[str] = mapped_column(IDENTITY, ForeignKey("scan.id"), primary_key=True)
    station: Mapped[str] = mapped_column(STATION, ForeignKey("station.name"))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    time: Mapped[str] = mapped_column(String(40))
    __table_args__ = (Index(None, "station", "state"),)
