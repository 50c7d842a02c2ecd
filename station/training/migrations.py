"""The versions of `intake.sqlite`: each is the script that leads to it from the one before. Rows are kept."""

_RECEIVED = """
CREATE TABLE parcel (
    digest TEXT PRIMARY KEY, id TEXT NOT NULL, scan_id TEXT NOT NULL, station TEXT NOT NULL,
    files TEXT NOT NULL, received TEXT NOT NULL
) STRICT;
CREATE INDEX parcel_scan ON parcel (scan_id);
CREATE TABLE refusal (
    number INTEGER PRIMARY KEY, parcel_id TEXT NOT NULL, scan_id TEXT NOT NULL, why TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
"""

# parcels get numbers, so that they can be paged; `blob` and `station` hold what `status` would have to add up
_NUMBERED = """
DROP INDEX parcel_scan;
ALTER TABLE parcel RENAME TO parcel_before;
CREATE TABLE parcel (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, id TEXT NOT NULL, scan_id TEXT NOT NULL,
    station TEXT NOT NULL, files TEXT NOT NULL, received TEXT NOT NULL
) STRICT;
INSERT INTO parcel (digest, id, scan_id, station, files, received)
    SELECT digest, id, scan_id, station, files, received FROM parcel_before ORDER BY received, id;
DROP TABLE parcel_before;
CREATE INDEX parcel_scan ON parcel (scan_id);
ALTER TABLE refusal ADD COLUMN station TEXT NOT NULL DEFAULT '';
ALTER TABLE refusal ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE refusal ADD COLUMN quarantined TEXT NOT NULL DEFAULT '';
CREATE TABLE blob (sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO blob
    SELECT json_extract(file.value, '$.sha256'), json_extract(file.value, '$.bytes')
    FROM parcel, json_each(parcel.files) AS file;
CREATE TABLE station (
    name TEXT PRIMARY KEY, parcels INTEGER NOT NULL, refused INTEGER NOT NULL, last TEXT NOT NULL
) STRICT;
INSERT INTO station SELECT station, count(*), 0, max(received) FROM parcel GROUP BY station;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, boot TEXT NOT NULL, time TEXT NOT NULL, mono_s REAL NOT NULL,
    type TEXT NOT NULL, cause TEXT NOT NULL, data TEXT NOT NULL
) STRICT;
"""

_SCRIPTS = (_RECEIVED, _NUMBERED)
VERSION = len(_SCRIPTS)


def migration(version: int) -> str:
    """What leads from a version to this release's; 0 is an empty file."""
    return "\n".join((*_SCRIPTS[version:], f"PRAGMA user_version = {VERSION};"))
