"""Drift is refused with the command that mends it; damage is found after an unclean stop."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from station.archive.catalogue import Catalogue
from station.archive.database import FILE
from station.archive.recovery import rebuild
from station.archive.schema import VERSION_TABLE, check, create_if_empty, upgrade
from station.documents.fault import StationError
from station.documents.scan import ScanManifest

Store = Callable[..., tuple[ScanManifest, Path]]

Sql = Callable[..., list[tuple]]


@pytest.fixture
def sql(root: Path) -> Sql:
    """Runs statements on the closed catalogue, behind the station's back."""

    def run(*statements: str) -> list[tuple]:
        with closing(sqlite3.connect(root / FILE)) as connection:
            rows = [connection.execute(statement).fetchall() for statement in statements]
            connection.commit()
            return rows[-1]

    return run


@pytest.fixture
def used(root: Path, store: Store) -> str:
    """A closed catalogue with one stored scan; its identity."""
    with Catalogue(root) as catalogue:
        return store(catalogue)[0].id


def refused(root: Path) -> StationError:
    catalogue = Catalogue(root)
    with pytest.raises(StationError) as caught:
        catalogue.open()
    return caught.value


def test_the_migrations_make_what_the_models_say() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        assert create_if_empty(connection)
        assert not create_if_empty(connection)
        check(connection)
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE scan DROP COLUMN reason", "scan.reason"),
        ("ALTER TABLE scan ADD COLUMN note TEXT", "scan.note"),
        ("DROP INDEX ix_scan_card_id", "ix_scan_card_id"),
        ("DROP TABLE outbox", "outbox"),
    ],
)
def test_a_change_by_hand_is_named_and_rebuild_mends_it(
    root: Path, used: str, sql: Sql, change: str, named: str
) -> None:
    sql(change)
    error = refused(root)
    assert error.code == "catalogue_drift"
    assert named in str(error)
    assert "rebuild" in error.hint
    with pytest.raises(StationError, match=named):
        upgrade(root)
    rebuild(root)
    with Catalogue(root) as catalogue:
        assert catalogue.scan(used).state == "captured"


def test_an_older_catalogue_is_refused_and_upgraded(root: Path, used: str, sql: Sql) -> None:
    tables = [name for (name,) in sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    sql("PRAGMA foreign_keys=OFF", *(f"DROP TABLE {name}" for name in tables if name != VERSION_TABLE))
    sql("DELETE FROM catalogue_version")
    error = refused(root)
    assert error.code == "catalogue_drift"
    assert "station catalogue upgrade" in error.hint
    assert upgrade(root) == ("", "0002")
    with Catalogue(root) as catalogue:
        assert catalogue.scans() == []


def test_an_upgrade_of_what_is_up_to_date_keeps_every_row(root: Path, used: str) -> None:
    assert upgrade(root) == ("0002", "0002")
    with Catalogue(root) as catalogue:
        assert catalogue.scan(used).state == "captured"


def test_a_catalogue_of_a_newer_release_is_left_alone(root: Path, used: str, sql: Sql) -> None:
    sql("UPDATE catalogue_version SET version_num = '9999'")
    error = refused(root)
    assert error.code == "catalogue_drift"
    assert "newer release" in str(error)
    with pytest.raises(StationError, match="newer release"):
        upgrade(root)
    assert sql("SELECT count(*) FROM scan") == [(1,)]


def test_somebody_elses_table_is_no_drift(root: Path, used: str, sql: Sql) -> None:
    sql("CREATE TABLE notes (text TEXT)")
    with Catalogue(root) as catalogue:
        assert catalogue.count() == 1


def test_an_upgrade_waits_for_nobody(root: Path, catalogue: Catalogue) -> None:
    with pytest.raises(StationError) as caught:
        upgrade(root)
    assert caught.value.code == "data_busy"
    with pytest.raises(StationError) as caught:
        rebuild(root)
    assert caught.value.code == "data_busy"
    catalogue.append_event("still.mine")


TWO = "name IN ('ix_scan_card_id', 'ix_scan_station_state')"


def _break_the_indices(sql: Sql) -> None:
    """Swap the roots of two indices: every page is readable, and both indices lie."""
    roots = sql(
        "SELECT rootpage FROM sqlite_master WHERE name IN ('ix_scan_card_id', 'ix_scan_station_state')"
    )
    total = sum(root for (root,) in roots)
    assert len(roots) == 2
    swap = f"UPDATE sqlite_master SET rootpage = {total} - rootpage WHERE {TWO}"  # noqa: S608
    sql("PRAGMA writable_schema=ON", swap)


def test_damage_is_found_after_an_unclean_stop(root: Path, used: str, sql: Sql) -> None:
    _break_the_indices(sql)
    sql("UPDATE station SET clean = 0")
    assert refused(root).code == "catalogue_corrupt"
    rebuild(root)
    with Catalogue(root) as catalogue:
        assert catalogue.scan(used).state == "captured"


def test_after_an_orderly_stop_the_file_is_not_searched(root: Path, used: str, sql: Sql) -> None:
    """So that the test above is known to see the search and nothing else."""
    _break_the_indices(sql)
    with Catalogue(root) as catalogue:
        assert catalogue.stopped_in_order


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to have a header" * 100, b"SQLite format 3\x00" * 400]
)
def test_a_file_that_is_no_database_is_corrupt_and_kept(root: Path, used: str, content: bytes) -> None:
    (root / FILE).write_bytes(content)
    error = refused(root)
    assert error.code == "catalogue_corrupt"
    rebuilt = rebuild(root)
    assert rebuilt.adopted == [used]
    aside = list(root.glob("catalogue.*.sqlite3"))
    assert [path.read_bytes() for path in aside] == [content]


def test_a_data_root_that_is_a_file_is_unwritable(root: Path) -> None:
    root.write_text("a file")
    assert refused(root).code == "data_unwritable"


def test_a_server_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    """Without the driver for the server there is nothing to ask."""
    pytest.importorskip("psycopg")
    catalogue = Catalogue(root, f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")
    with pytest.raises(StationError) as caught:
        catalogue.open()
    assert caught.value.code == "catalogue_absent"
    assert "secret" not in str(caught.value)
