"""The file in which the catalogue is kept: SQLite, and only a cache of the recordings' directory.

Whatever is wrong with it (deleted, corrupt, of another version, of another directory) it is thrown away and made
again. The id of a recording is its start and then a tie-break, so that the newest first is the order of the ids, and
so the order in which the full-text index gives them: no query sorts.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from zlib import crc32

CACHE = "recordings.sqlite3"  # its name in the folder of states
BUSY_SECONDS = 10.0
VERSION = 1  # of the tables below: change it with them
_TIE_BITS = 25  # of an id; the 11 digits of a second take 37
# What a query may raise: Python cannot decode the message about a table whose name is garbled.
FAILURES = (sqlite3.Error, UnicodeDecodeError)
_NOT_THE_FILES_FAULT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)

# `counts` answers for how many there are, `documents` keeps what is long apart from what is looked through. What the
# index gets has been cut and folded (`search.words_in`): `ascii` leaves each word as it is. It knows in which recording
# a word is, not where, because joining places for the beginning of a word takes five times as long.
_TABLES = """
CREATE TABLE about (folder TEXT NOT NULL);
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY,  -- newest first is descending; see `first_id`
    filename TEXT NOT NULL UNIQUE,
    uuid TEXT NOT NULL,
    size INTEGER NOT NULL,
    changed INTEGER NOT NULL,  -- Unix ns
    again INTEGER NOT NULL,  -- whether it is to be read again, though it seems the same
    name TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    analysed INTEGER NOT NULL,
    duration INTEGER NOT NULL
);
CREATE INDEX by_uuid ON recordings (uuid);
CREATE INDEX by_hidden ON recordings (hidden);
CREATE INDEX by_name ON recordings (name, hidden);
CREATE TABLE documents (id INTEGER PRIMARY KEY, listed BLOB NOT NULL, words TEXT NOT NULL, marks TEXT NOT NULL);
CREATE VIRTUAL TABLE found USING fts5 (
    words, marks, content = 'documents', content_rowid = 'id', detail = none, prefix = '1 2 3 4 5', tokenize = ascii
);
CREATE TRIGGER indexed AFTER INSERT ON documents BEGIN
    INSERT INTO found (rowid, words, marks) VALUES (new.id, new.words, new.marks);
END;
CREATE TRIGGER unindexed AFTER DELETE ON documents BEGIN
    INSERT INTO found (found, rowid, words, marks) VALUES ('delete', old.id, old.words, old.marks);
END;
CREATE TABLE counts (
    name TEXT NOT NULL, hidden INTEGER NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (name, hidden)
) WITHOUT ROWID;
CREATE TRIGGER counted AFTER INSERT ON recordings BEGIN
    INSERT INTO counts VALUES (new.name, new.hidden, 1) ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER uncounted AFTER DELETE ON recordings BEGIN
    UPDATE counts SET amount = amount - 1 WHERE name = old.name AND hidden = old.hidden;
    DELETE FROM counts WHERE name = old.name AND hidden = old.hidden AND amount = 0;
END;
CREATE TABLE problems (
    filename TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, again INTEGER NOT NULL,
    why TEXT NOT NULL
);
"""


def first_id(start: int, filename: str) -> int:
    """The id for a recording that starts at Unix second `start`; where it is taken, the next one is."""
    return (start << _TIE_BITS) | (crc32(filename.encode()) >> (32 - _TIE_BITS))


def start_of(number: int) -> int:
    """The start of the recording with this id, Unix seconds; a second later where very many start in the same one."""
    return number >> _TIE_BITS


def id_range(begin: float | None, end: float | None) -> tuple[int, int]:
    """The ids of recordings that start from Unix second `begin` to `end`, both included."""
    low, high = 0, (1 << 63) - 1
    if begin is not None and begin > 0:
        low = min(-int(-begin // 1) << _TIE_BITS, high)
    if end is not None:
        high = min((int(end // 1) + 1 << _TIE_BITS) - 1, high) if end >= 0 else -1
    return low, high


def is_damage(error: Exception) -> bool:
    """Whether the file is to be thrown away for this error; else it is the disk's, or another process's."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _NOT_THE_FILES_FAULT


def connect(file: Path) -> sqlite3.Connection:
    """A connection to the cache, which must be there."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)
    return _prepared(connection)


def open_database(file: Path | None, folder: Path) -> tuple[sqlite3.Connection, str | None]:
    """The cache of `folder`, and why it had to be made anew, if it was. Without a `file` it is in memory.

    Raises sqlite3.Error and OSError where it cannot be made.
    """
    if file is None:
        return _made(sqlite3.connect(":memory:"), folder), None
    why = None
    if file.exists():
        try:
            connection = connect(file)
        except FAILURES as error:
            if not is_damage(error):
                raise
            why = str(error)
        else:
            try:
                why = _difference(connection, folder)
            except FAILURES as error:
                connection.close()
                if not is_damage(error):
                    raise
                why = str(error)
            if why is None:
                return connection, None
            connection.close()
    remove(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    return _made(_prepared(sqlite3.connect(file, timeout=BUSY_SECONDS)), folder), why


def remove(file: Path) -> None:
    """Throw the cache away. Who has it open goes on with what is no longer there."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).unlink()


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.isolation_level = None  # transactions are ours
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a cache need not survive a power cut
        connection.execute("PRAGMA cache_size = -16000")  # KiB
    except BaseException:
        connection.close()
        raise
    return connection


def _made(connection: sqlite3.Connection, folder: Path) -> sqlite3.Connection:
    try:
        connection.isolation_level = None
        connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
        connection.execute("INSERT INTO about VALUES (?)", (_name_of(folder),))
    except BaseException:
        connection.close()
        raise
    return connection


def _difference(connection: sqlite3.Connection, folder: Path) -> str | None:
    """Why the file is not a cache of this version of this folder, or None where it is one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        return f"it is of version {version}, not {VERSION}"
    row = connection.execute("SELECT folder FROM about").fetchone()
    if row is None or row[0] != _name_of(folder):
        return "it is of another directory"
    return None


def _name_of(folder: Path) -> str:
    return str(folder.resolve()).encode(errors="backslashreplace").decode()
