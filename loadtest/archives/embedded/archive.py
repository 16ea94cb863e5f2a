"""The archive itself: what C-STORE, STOW-RS, C-FIND, QIDO-RS and the retrieve services ask of it."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from threading import Lock

from pydicom.dataset import Dataset

from loadtest.archives.embedded.counts import Counts
from loadtest.archives.embedded.desk import Desk
from loadtest.archives.embedded.header import Unreadable, read_header, uid
from loadtest.archives.embedded.index import Index
from loadtest.archives.embedded.keys import Level
from loadtest.archives.embedded.law import Law
from loadtest.archives.embedded.matching import FROM, Query, conditions
from loadtest.archives.embedded.options import Mode
from loadtest.archives.embedded.stored import Stored
from loadtest.archives.embedded.vault import FileVault, MemoryVault, Vault

_STORED = (
    "number, SOPClassUID, SOPInstanceUID, TransferSyntaxUID, studies.StudyInstanceUID, series.SeriesInstanceUID, size"
)


class Archive:
    """Objects and their index. Every method may be called from any thread."""

    def __init__(
        self, mode: Mode = "memory", folder: Path | None = None, law: Law | None = None, processes: int = 1
    ) -> None:
        """`disk` goes on with what `folder` holds; `law` says how long storing takes at least.

        `processes`: in null mode so many may count what they swallow.

        Raises OSError when the folder cannot be used.
        """
        self.desk = Desk(law)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._null = mode in ("null", "model")
        self._index = Index(folder / "index.sqlite" if folder else None)
        self._vault: Vault = FileVault(folder / "objects") if folder else MemoryVault()
        self._numbers = count(self._index.highest() + 1)
        self._tally = {"instances": 0, "duplicates": 0}
        self.swallowed = Counts(processes)
        self._lock = Lock()

    def store(
        self, data_set: bytes, transfer_syntax: str, sop_class: str, instance: str, study: str = ""
    ) -> Stored | None:
        """Keep one object and enter it in the index; None in null mode, which looks at nothing.

        `sop_class`, `instance` and, if given, `study` are what the request said of it. A second object of a SOP
        Instance UID is counted and acknowledged, and the first one stays. Raises Unreadable with the status to answer.
        """
        if self._null:
            self.swallow(len(data_set))
            return None
        self.desk.serve(len(data_set), self._tally["instances"])
        with self.desk.work():
            return self._store(data_set, transfer_syntax, sop_class, instance, study)

    def _store(self, data_set: bytes, transfer_syntax: str, sop_class: str, instance: str, study: str) -> Stored:
        header = read_header(data_set, transfer_syntax)
        stored = self._describe(header, transfer_syntax, len(data_set))
        said = sop_class, instance, study or stored.study
        if said != (stored.sop_class, stored.instance, stored.study):
            raise Unreadable(0xA900, "the request and its data set differ in SOP class, instance or study")
        self._keep(stored, header, data_set)
        return stored

    def swallow(self, size: int) -> None:
        """Null mode: count an object of `size` bytes."""
        self.swallowed.add(size)

    def find(self, query: Query) -> list[dict[str, str]]:
        """The answers to a query: keyword -> text, for each returned key that this archive holds."""
        words = [key.keyword for key in query.returned()]
        with self.desk.work():
            rows = self._index.rows(*query.sql())
        return [dict(zip(words, ("" if value is None else str(value) for value in row), strict=False)) for row in rows]

    def instances(self, level: Level, match: Mapping[str, str]) -> list[Stored]:
        """The stored objects below what `match` selects, in order of arrival."""
        where, values = conditions(level, match)
        sql = f"SELECT {_STORED} FROM {FROM[Level.IMAGE]}{where} ORDER BY number"
        with self.desk.work():
            return [Stored(*row) for row in self._index.rows(sql, values)]  # type: ignore[arg-type]

    def data_set(self, stored: Stored) -> bytes:
        """The data set as it came. Raises OSError when it cannot be read."""
        with self.desk.work():
            return self._vault.get(stored.number)

    def statistics(self) -> dict[str, int | None]:
        """Objects, studies (None in null mode) and bytes of data sets held, and duplicates that were not kept."""
        if self._null:
            instances, size = self.swallowed.totals()
            return {"instances": instances, "studies": None, "bytes": size, "duplicates": 0}
        with self._lock:
            duplicates = self._tally["duplicates"]
        instances, studies, size = self._index.counts()
        return {"instances": instances, "studies": studies, "bytes": size, "duplicates": duplicates}

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _describe(self, header: Dataset, transfer_syntax: str, size: int) -> Stored:
        sop_class, instance = uid(header, "SOPClassUID"), uid(header, "SOPInstanceUID")
        study, series = uid(header, "StudyInstanceUID"), uid(header, "SeriesInstanceUID")
        return Stored(next(self._numbers), sop_class, instance, transfer_syntax, study, series, size)

    def _keep(self, stored: Stored, header: Dataset, data_set: bytes) -> None:
        """Bytes first, index second: what the index names can always be read."""
        self._vault.put(stored, data_set)
        try:
            new = self._index.add(stored, header)
        except BaseException:
            self._vault.drop(stored.number)
            raise
        with self._lock:
            self._tally["instances" if new else "duplicates"] += 1
        if not new:
            self._vault.drop(stored.number)
