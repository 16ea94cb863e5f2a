"""The program's side of faults that are played: it has the archives' processes, the play only their addresses.

A plan goes to an archive's standard input; what it then did, and when, is read from what it has printed.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.archives.process import ArchiveFailed, ArchiveProcess, ours

WITHIN_S = 30.0
Changes = list[tuple[float, float, float]]  # (capacity, begun, done), perf_counter seconds


def cannot(pids: Mapping[str, int]) -> list[str]:
    """Which of these archives (name -> process id) play no faults: all but embedded ones that we have started."""
    found = {name: ours(pid) for name, pid in pids.items()}
    return [name for name, process in found.items() if process is None or not process.plays_faults]


def tell(plans: Mapping[str, Any]) -> None:
    """Process id -> plan. Raises ArchiveFailed."""
    for pid, plan in plans.items():
        _process(pid).tell(json.dumps(plan))


def mend(pids: Sequence[str]) -> dict[str, Changes]:
    """Make these archives well again; what each has done since the last time. Raises ArchiveFailed without answer."""
    told = {}
    for pid in pids:
        process = _process(pid)
        before = len(_said(process))
        process.tell(json.dumps({"zero": 0.0, "steps": []}))
        until = time.monotonic() + WITHIN_S
        while len(said := _said(process)) == before:
            if time.monotonic() > until:
                raise ArchiveFailed(f"an archive was not well within {WITHIN_S:g} s:\n{process.output()}")
            time.sleep(0.01)
        told[pid] = said[-1]
    return told


def _process(pid: str) -> ArchiveProcess:
    found = ours(int(pid))
    if found is None:
        raise ArchiveFailed(f"process {pid} is no archive of ours")
    return found


def _said(process: ArchiveProcess) -> list[Changes]:
    """The changes of each plan that is over, as it was mended."""
    found: list[Changes] = []
    now: Changes = []
    for line in process.output(1 << 20).splitlines():
        if line.startswith('{"capacity"'):
            one = json.loads(line)
            if one["mended"]:
                found.append(now)
                now = []
            else:
                now.append((one["capacity"], one["from"], one["by"]))
    return found
