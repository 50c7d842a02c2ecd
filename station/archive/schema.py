"""The form of the catalogue's tables: making it, checking it, and bringing an older one up to date."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.sql.schema import SchemaItem

from station.documents.fault import StationError

from .database import default_url, make_engine, translated
from .models import Base

VERSION_TABLE = "catalogue_version"
_REBUILD = (
    "Run `station catalogue rebuild`: it makes a new catalogue from the scan folders and keeps the old file."
)
_NEWER = "Install the newer release again, or run `station catalogue rebuild`: it keeps the old file."


def create_if_empty(connection: Connection) -> bool:
    """Create the tables where there are none at all. Returns whether it did."""
    present = set(inspect(connection).get_table_names())
    if present & {VERSION_TABLE, *Base.metadata.tables}:
        return False
    command.upgrade(_config(connection), "head")
    return True


def check(connection: Connection) -> None:
    """Refuse a catalogue whose form is not what this software expects.

    Raises:
        StationError: `catalogue_drift`, its hint naming the command that mends it.
    """
    found, head = current(connection), _script(connection).get_current_head()
    if found != head:
        _refuse_unknown(connection, found)
        raise StationError(
            "catalogue_drift", f"the catalogue is at revision {found or 'none'}, this software needs {head}"
        )
    differences = compare_metadata(_context(connection), Base.metadata)
    if differences:
        raise StationError(
            "catalogue_drift",
            f"the catalogue's tables were changed by hand: {_described(differences[0])}",
            _REBUILD,
        )


def upgrade(root: Path, url: str | None = None, station: str = "station") -> tuple[str, str]:
    """Bring the catalogue of a data root to the present form, keeping every row.

    Returns:
        The revision it had, empty for none, and the one it has now.

    Raises:
        StationError: `data_busy` while a daemon runs; `catalogue_drift` where a newer release made it or its
            tables were changed by hand; and what `database.translated` names.
    """
    chosen = url or default_url(root)
    engine = make_engine(chosen, station)
    try:
        with translated(chosen), engine.begin() as connection:
            before = current(connection)
            _refuse_unknown(connection, before)
            command.upgrade(_config(connection), "head")
            check(connection)
            return before or "", current(connection) or ""
    finally:
        engine.dispose()


def _refuse_unknown(connection: Connection, revision: str | None) -> None:
    known = {script.revision for script in _script(connection).walk_revisions()}
    if revision is not None and revision not in known:
        raise StationError(
            "catalogue_drift", f"the catalogue is at revision {revision}, made by a newer release", _NEWER
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "station.archive:migrations")
    config.attributes["connection"] = connection
    return config


def _script(connection: Connection) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(connection))


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={"version_table": VERSION_TABLE, "include_object": _is_ours, "compare_server_default": True},
    )


def current(connection: Connection) -> str | None:
    """Revision of the tables, None where there are none."""
    return _context(connection).get_current_revision()


def _is_ours(
    _object: SchemaItem, name: str | None, kind: str, _reflected: bool, _compared: SchemaItem | None
) -> bool:
    # Somebody else's table in a shared database is none of our business.
    return kind != "table" or name in Base.metadata.tables


def _described(difference: object) -> str:
    """One difference in words; Alembic tells it as `("remove_column", schema, table, column)`."""
    operation = difference[0] if isinstance(difference, list) else difference
    if not isinstance(operation, tuple):
        return str(operation)
    parts = [
        str(getattr(part, "name", None) or part)
        for part in operation[1:4]
        if part is not None and not isinstance(part, dict)
    ]
    return f"{operation[0]} {'.'.join(parts)}"
