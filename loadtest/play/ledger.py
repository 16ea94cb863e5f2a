"""The ledger: each study sent, and whether the archive has it, by C-FIND and by QIDO-RS."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pandas as pd

from loadtest.play.acts import FIND, Device, Endpoint, identifier
from loadtest.play.plan import Operation
from loadtest.play.records import OK, UNKNOWN, Record
from loadtest.wire import WireError

COUNT_TAG = "00201208"  # Number of Study Related Instances


def _by_find(device: Device, operation: Operation) -> int:
    asked = identifier(device.endpoint, operation)
    asked.NumberOfStudyRelatedInstances = ""
    with device.association(FIND) as link:
        found, _ = link.find(FIND, asked)
    return sum(int(d.get("NumberOfStudyRelatedInstances") or 0) for d in found)


def _by_qido(device: Device, operation: Operation) -> int:
    with device.web() as client:
        uid = device.endpoint.factory.study_uid(operation.study.exam)
        found, _ = client.qido("studies", {"StudyInstanceUID": uid, "includefield": COUNT_TAG})
    return sum(int(d.get(COUNT_TAG, {}).get("Value", [0])[0]) for d in found)


def _count(how: Any, device: Device, operation: Operation) -> int:
    """Instances that the archive says it has; -1: it could not be asked."""
    try:
        return int(how(device, operation))
    except (WireError, OSError):
        return -1


def state_of(sent: int, answered: int, outcome: str, found: int) -> str:
    """The one state a study ends in: stored, lost, recovered, refused, failed, unknown or dropped."""
    if outcome == OK:
        return "stored" if found >= sent else "lost"
    if outcome == UNKNOWN:
        return "recovered" if found >= sent else "unknown"
    return outcome


def ledger(endpoint: Endpoint, stores: Iterable[tuple[Operation, Record]]) -> pd.DataFrame:
    """One row a study that was to be stored: objects sent, answered with success, found by C-FIND and by QIDO-RS."""
    device, rows = Device(endpoint, "LEDGER"), []
    seen: dict[int, int] = defaultdict(int)
    for operation, record in stores:
        find, qido = _count(_by_find, device, operation), _count(_by_qido, device, operation)
        seen[record.exam] += 1
        rows.append({
            "cluster": record.cluster, "supplier": record.supplier, "exam": record.exam, "phase": record.phase,
            "ae_title": record.ae_title, "sent": record.objects, "answered": record.done_objects,
            "found_cfind": find, "found_qido": qido,
            "state": state_of(record.objects, record.done_objects, record.outcome, min(find, qido)),
        })  # fmt: skip
    device.close()
    return pd.DataFrame(rows)
