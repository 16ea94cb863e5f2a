"""Records while the play goes on: what a killed process has left is whole to the last flush (rule C8, half a second).

Two Arrow streams in a folder beside the run folder, one batch a flush. A batch that was cut is left out, so that a
reader never sees half a row. An object's row may come before its operation's, never after it. The folder goes when the
run folder is there; whatever else ends a play that has sent something leaves it (rule S9: what was sent can be found).
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.verdict.records import ObjectRow, OperationRow, schema_of, to_table

FLUSH_EVERY_S = 0.25
SUFFIX = ".partial"
CONFIG, TRAFFIC, REACHES = "play.json", "traffic-{}.parquet", "reaches"
Rows = tuple[list[OperationRow], list[ObjectRow]]
_KINDS: tuple[tuple[str, type], ...] = (("operations", OperationRow), ("objects", ObjectRow))


def pack(kind: type, rows: Sequence[object]) -> bytes:
    """Rows of one class as an Arrow stream."""
    table, sink = to_table(kind, rows), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(kind: type, packed: bytes) -> list[object]:
    """The rows of `pack`; those of whole batches only. Raises pa.ArrowException where it is no stream of such rows."""
    with pa.ipc.open_stream(packed) as stream:
        if stream.schema != schema_of(kind):
            raise pa.ArrowInvalid(f"these are not the columns of {kind.__name__}")
        return [kind(**row) for batch in _whole(stream) for row in batch.to_pylist()]


def _whole(stream: pa.RecordBatchStreamReader) -> list[pa.RecordBatch]:
    found = []
    with suppress(StopIteration, OSError, pa.ArrowException):  # the tail of a killed writer
        while True:
            found.append(stream.read_next_batch())
    return found


def journal_of(out: Path) -> Path:
    """Where the journal of a run folder lies."""
    return out.with_name(out.name + SUFFIX)


def mend_words(folder: Path) -> str:
    """What may be done with a journal that was left."""
    return f"make a run folder of it with `filmless salvage {folder}`, or remove it"


def left_words(folder: Path) -> str:
    """Where to find what a play has sent that did not come to its end."""
    return f"what was sent is in {folder}: {mend_words(folder)}"


def check_none_left(out: Path) -> None:
    """Raises TrafficProblem where a play into the same folder has left its journal: nothing may write over it."""
    if journal_of(out).exists():
        raise TrafficProblem(
            f"{journal_of(out)} is left of a play that did not come to its end: {mend_words(journal_of(out))}"
        )


class Journal:
    """Written while the play goes on; as a context manager it is removed at the end where it is of no more use.

    That is when the run folder is there, or when nothing was sent (`sending` is False). Else what ended the play gets a
    note of where the journal is. A disk that takes no more ends the journal (`trouble` says so), not the play.
    """

    def __init__(self, out: Path, config: str, traffic: Sequence[Path] = ()) -> None:
        """Keeps the play's own `config` and traffic, for a run folder to be made of. Raises TrafficProblem."""
        self.folder, self.trouble, self.sending = journal_of(out), "", False
        self._out = out
        self._files: list[FileIO] = []
        self._streams: list[pa.RecordBatchStreamWriter] = []
        try:
            self._begin(config, traffic)
        except OSError as error:
            if isinstance(error, FileExistsError):
                check_none_left(out)
            self._fail(error)

    def _begin(self, config: str, traffic: Sequence[Path]) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / CONFIG).write_text(config)
        for number, path in enumerate(traffic):
            shutil.copyfile(path, self.folder / TRAFFIC.format(number))
        self._files.append((self.folder / REACHES).open("wb", buffering=0))
        for name, kind in _KINDS:
            self._files.append((self.folder / f"{name}.arrows").open("wb", buffering=0))
            self._streams.append(pa.ipc.new_stream(self._files[-1], schema_of(kind)))

    def _fail(self, error: OSError) -> None:
        self.trouble = f"{self.folder} could not be written to the end ({error.strerror})"

    def write(self, rows: Rows) -> None:
        """Append rows, objects first; the system has them when this returns."""
        try:
            for at, (_, kind) in reversed(list(enumerate(_KINDS))):
                if rows[at] and not self.trouble:
                    self._streams[at].write_table(to_table(kind, rows[at]))
        except OSError as error:
            self._fail(error)

    def reach(self, until_s: float) -> None:
        """Note until when the records reach, in seconds since the play's zero; from the first call on, it plays."""
        if self.trouble:
            return
        try:
            os.pwrite(self._files[0].fileno(), f"{until_s:20.6f}".encode(), 0)  # always as long: old or new, not half
        except OSError as error:
            self._fail(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            with suppress(OSError):
                file.close()
        if self._out.exists() or not self.sending or len(self._streams) < len(_KINDS):
            shutil.rmtree(self.folder, ignore_errors=True)
        elif error is not None:
            error.add_note(left_words(self.folder))
        if error is not None and self.trouble:
            error.add_note(self.trouble)


def read_journal(folder: Path) -> Rows:
    """What a killed play has left. Raises PlayFailed where there is nothing to be read."""
    found = []
    for name, kind in _KINDS:
        file = folder / f"{name}.arrows"
        try:
            raw = file.read_bytes()
            found.append(unpack(kind, raw) if raw else [])
        except (OSError, pa.ArrowException) as error:
            raise PlayFailed(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return found[0], found[1]  # type: ignore[return-value]  # by the order of _KINDS


def reach_of(folder: Path) -> float | None:
    """Until when its records reach, in seconds since the play's zero; None where it never began to play."""
    with suppress(OSError, ValueError):
        return float((folder / REACHES).read_text())
    return None
