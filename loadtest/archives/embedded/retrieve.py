"""C-GET and C-MOVE (PS3.4 C.4.2, C.4.3): the stored bytes go out again as C-STORE sub-operations."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, ImplicitVRLittleEndian
from pynetdicom import evt

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.contexts import for_sending
from loadtest.archives.embedded.header import Unreadable
from loadtest.archives.embedded.identifier import BadIdentifier, level_of, read_identifier, retrieved
from loadtest.archives.embedded.status import failure
from loadtest.archives.embedded.stored import Stored
from loadtest.archives.embedded.transport import answers_to_the_sender, no_delay

MOST_SUB_OPERATIONS = 65_535  # the counts of sub-operations are US (PS3.7 9.1.3)


class Retrieve:
    """The two retrieve services over one archive; `movers` are the C-MOVE destinations that it knows."""

    def __init__(self, archive: Archive, movers: Mapping[str, tuple[str, int]]) -> None:
        self._archive = archive
        self._movers = dict(movers)

    def get(self, event: evt.Event) -> Iterator[Any]:
        """Handler of EVT_C_GET: yields the number of sub-operations, then each object."""
        try:
            objects = self._selected(event)
        except (BadIdentifier, Unreadable) as error:
            yield 1  # pynetdicom sends the status that follows only if something was to be done
            yield failure(error.status, str(error)), None
            return
        yield len(objects)
        yield from self._objects(event, objects)

    def move(self, event: evt.Event) -> Iterator[Any]:
        """Handler of EVT_C_MOVE: yields the destination's address, the number of sub-operations, then each object."""
        address = self._movers.get(str(event.move_destination).strip())
        if address is None:
            yield None, None  # answered with A801: move destination unknown
            return
        objects = self._selected(event)  # what it raises is answered with C514: pynetdicom lets no status pass here
        handlers = [(evt.EVT_CONN_OPEN, no_delay), (evt.EVT_CONN_OPEN, answers_to_the_sender)]
        yield *address, {"contexts": for_sending(objects), "evt_handlers": handlers}
        yield len(objects)
        yield from self._objects(event, objects)

    def _selected(self, event: evt.Event) -> list[Stored]:
        identifier = read_identifier(event)
        level = level_of(identifier, event.context)
        objects = self._archive.instances(level, retrieved(identifier, level))
        if len(objects) > MOST_SUB_OPERATIONS:
            raise BadIdentifier(0xA702, f"{len(objects)} objects: more than a C-MOVE can count")
        return objects

    def _objects(self, event: evt.Event, objects: list[Stored]) -> Iterator[tuple[int, Dataset | None]]:
        for stored in objects:
            if event.is_cancelled:
                yield 0xFE00, None
                return
            yield 0xFF00, self._outgoing(stored)

    def _outgoing(self, stored: Stored) -> Dataset:
        """The object, or, when it cannot be read, its UID alone: that sub-operation then counts as failed."""
        try:
            return outgoing(stored, self._archive.data_set(stored))
        except OSError:
            unread = Dataset()
            unread.SOPInstanceUID = stored.instance
            return unread


def outgoing(stored: Stored, encoded: bytes) -> Dataset:
    """The data set to send. Its elements stay raw: pynetdicom writes them back unread, in the syntax they have."""
    implicit = stored.transfer_syntax == ImplicitVRLittleEndian
    data_set = read_dataset(BytesIO(encoded), implicit, True)
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = UID(stored.transfer_syntax)
    return data_set
