"""The index: patients' studies, series and instances in SQLite, in memory or in the archive's folder."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from pydicom.dataset import Dataset

from loadtest.archives.embedded.header import texts
from loadtest.archives.embedded.keys import IMAGE, PATIENT, SERIES, STUDY
from loadtest.archives.embedded.stored import Stored


def _columns(words: Sequence[str]) -> str:
    return ", ".join(f"{word} TEXT NOT NULL" for word in words)


SCHEMA = f"""
CREATE TABLE IF NOT EXISTS studies (study INTEGER PRIMARY KEY, {_columns(STUDY + PATIENT)}, UNIQUE (StudyInstanceUID));
CREATE TABLE IF NOT EXISTS series (series INTEGER PRIMARY KEY, study INTEGER NOT NULL, {_columns(SERIES)},
    UNIQUE (study, SeriesInstanceUID));
CREATE TABLE IF NOT EXISTS instances (number INTEGER PRIMARY KEY, study INTEGER NOT NULL, series INTEGER NOT NULL,
    TransferSyntaxUID TEXT NOT NULL, size INTEGER NOT NULL, {_columns(IMAGE)}, UNIQUE (SOPInstanceUID));
CREATE INDEX IF NOT EXISTS by_patient ON studies (PatientID);
CREATE INDEX IF NOT EXISTS by_date ON studies (StudyDate);
CREATE INDEX IF NOT EXISTS by_accession ON studies (AccessionNumber);
CREATE INDEX IF NOT EXISTS by_series_uid ON series (SeriesInstanceUID);
CREATE INDEX IF NOT EXISTS by_study ON instances (study);
CREATE INDEX IF NOT EXISTS by_series ON instances (series);
"""


class Index:
    """One SQLite connection behind a lock: each association has its own thread, and SQLite has one writer."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def highest(self) -> int:
        """The highest object number in use, 0 when empty."""
        return int(str(self.rows("SELECT coalesce(max(number), 0) FROM instances")[0][0]))

    def counts(self) -> tuple[int, int, int]:
        """(instances, studies, bytes of data sets)."""
        sql = "SELECT count(*), (SELECT count(*) FROM studies), coalesce(sum(size), 0) FROM instances"
        instances, studies, size = self.rows(sql)[0]
        return int(str(instances)), int(str(studies)), int(str(size))

    def add(self, stored: Stored, header: Dataset) -> bool:
        """Enter one object; False when its SOP Instance UID is known already (the first one stays)."""
        uids = stored.study, stored.series
        values = (stored.transfer_syntax, stored.size, *texts(header, IMAGE))
        with self._lock:
            self._db.execute("BEGIN")  # study, series and object appear together
            try:
                new = self._add(stored.number, header, uids, values)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                self._known.pop(uids, None)
                raise
        return new

    def _add(self, number: int, header: Dataset, uids: tuple[str, str], values: tuple[object, ...]) -> bool:
        known = self._known.get(uids) or self._parents(header, uids)
        row = (number, *known, *values)
        done = self._db.execute(f"INSERT OR IGNORE INTO instances VALUES ({_marks(row)})", row)
        return done.rowcount == 1

    def _parents(self, header: Dataset, uids: tuple[str, str]) -> tuple[int, int]:
        """Rows of the study and the series, made when new; remembered, for most objects come in known series."""
        study = self._row("studies", "study", "StudyInstanceUID = ?", (uids[0],), texts(header, STUDY + PATIENT))
        where = "study = ? AND SeriesInstanceUID = ?"
        series = self._row("series", "series", where, (study, uids[1]), [study, *texts(header, SERIES)])
        if len(self._known) > 100_000:
            self._known.clear()
        self._known[uids] = study, series
        return study, series

    def _row(self, table: str, key: str, where: str, names: tuple[object, ...], values: Sequence[object]) -> int:
        found = self._db.execute(f"SELECT {key} FROM {table} WHERE {where}", names).fetchone()
        if found:
            return int(found[0])
        done = self._db.execute(f"INSERT INTO {table} VALUES (NULL, {_marks(values)})", tuple(values))
        return int(done.lastrowid or 0)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
