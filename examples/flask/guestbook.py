"""The guestbook's entries, in a SQLite file.

A dyno's disk is its own and goes with it, so every process makes the table when
it first needs it.
"""

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

DATABASE = Path(os.environ.get("DATABASE_FILE") or Path(tempfile.gettempdir(), "guestbook.db"))


def connect():
    """Opens the database, with its table."""
    database = sqlite3.connect(DATABASE)
    database.row_factory = sqlite3.Row
    migrate(database)
    return database


def migrate(database):
    """Brings the database's tables up to date; does nothing when they are."""
    database.execute(
        "CREATE TABLE IF NOT EXISTS entries ("
        " id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " message TEXT NOT NULL, written TEXT NOT NULL)"
    )


def add(name, message):
    """Writes one entry."""
    written = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with closing(connect()) as database, database:
        database.execute(
            "INSERT INTO entries (name, message, written) VALUES (?, ?, ?)",
            (name, message, written),
        )


def latest(count=20):
    """The newest entries, newest first."""
    with closing(connect()) as database:
        rows = database.execute(
            "SELECT id, name, message, written FROM entries ORDER BY id DESC LIMIT ?", (count,)
        )
        return [dict(row) for row in rows]
