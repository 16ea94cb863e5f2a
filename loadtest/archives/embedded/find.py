"""C-FIND (PS3.4 C.4.1): hierarchical, at the levels of the patient root and study root models."""

from collections.abc import Iterator, Mapping

from pydicom.dataset import Dataset
from pynetdicom import evt

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.header import Unreadable
from loadtest.archives.embedded.identifier import BadIdentifier, level_of, read_identifier, wanted
from loadtest.archives.embedded.keys import Level
from loadtest.archives.embedded.matching import Query
from loadtest.archives.embedded.status import failure

Answer = tuple[int | Dataset, Dataset | None]


def answer_find(event: evt.Event, archive: Archive, ae_title: str) -> Iterator[Answer]:
    """FF00 with each match, FF01 when an optional key is not held here; A900 or C000 with a comment otherwise."""
    try:
        identifier = read_identifier(event)
        level = level_of(identifier, event.context)
        keys = dict(wanted(identifier))
        query = Query(level, keys, list(keys))
    except (BadIdentifier, Unreadable) as error:
        yield failure(error.status, str(error)), None
        return
    pending = 0xFF01 if query.unsupported() else 0xFF00
    for found in archive.find(query):
        if event.is_cancelled:
            yield 0xFE00, None
            return
        yield pending, as_dataset(found, level, ae_title)


def as_dataset(found: Mapping[str, str], level: Level, ae_title: str) -> Dataset:
    """One match as an identifier; values leave in UTF-8 when they are not plain ASCII."""
    answer = Dataset()
    if not all(value.isascii() for value in found.values()):
        answer.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in found.items():
        setattr(answer, keyword, value or None)
    answer.QueryRetrieveLevel = level.name
    answer.RetrieveAETitle = ae_title
    return answer
