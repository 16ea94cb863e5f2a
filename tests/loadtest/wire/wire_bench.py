"""Images a second into DCMTK's storescp beside DCMTK's own client, and into a null sink beside bare TCP; in pairs.

`python -m tests.loadtest.wire.wire_bench` prints one line of JSON; `make bench` may call `measure`. 512 kB CTs, one
association, storescp --ignore, with and without TCP_NODELAY=1 in the environment of both DCMTK programs.

`bare_ms` is the CPU of a bare sender of as many bytes, who copies them as ours need not (see wire.repeated): into the
same kind of reads as storescp's (6 bytes, then 16,384), or into the bare receiver of 1 MiB that the null sink is held
against.

Four associations are those of two client processes, as `filmless play --workers 2` has them, into a sink of two
processes, as that play proves its headroom with: four threads of one Python process mostly wait for each other. Bare
TCP has all four in one process, where it is fastest.
"""

import json
import os
import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from threading import Thread
from typing import NoReturn

from loadtest.archives.launch import running
from loadtest.wire import Peer, Repeated, TcpProfile, open_association
from loadtest.wire.channel import apply
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, dataset, encoded, free_port, part10, process

PIXELS = 524288
SHIPPED: dict[str, str] = {}
NO_DELAY = {"TCP_NODELAY": "1"}
CLIENTS = {1: 1, 4: 2}  # associations -> client processes, and as many of the sink
WHOLE, AS_STORESCP = (1 << 20,), (6, 16384)  # bytes asked for in turn by a bare receiver


def storescu(peer: Peer, folder: Path, count: int, environment: Mapping[str, str]) -> float:
    """Images a second of DCMTK's client over one association; its start is in the time, 0.02 s or so."""
    names = [str(path) for path in sorted(folder.glob("*.dcm"))[:count]]
    command = ["/usr/bin/storescu", "-R", peer.host, str(peer.port), *names]
    began = time.perf_counter()
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    return count / (time.perf_counter() - began)


def ours(peer: Peer, profile: TcpProfile, count: int) -> tuple[float, float]:
    """Images a second of our client over one association, and its CPU in ms an image."""
    head, pixels = encoded(dataset(0, pixels=PIXELS))[:-PIXELS], Repeated(os.urandom(PIXELS))
    with open_association(peer, "BENCH", [(CT, [EXPLICIT])], profile=profile) as link:
        before, began = _cpu_s(), time.perf_counter()
        for number in range(count):
            assert link.store(CT, f"2.25.77.9.{number + 1}", EXPLICIT, (head, pixels)).status == 0
        return count / (time.perf_counter() - began), (_cpu_s() - before) / count * 1000


def raw_tcp(count: int, connections: int = 1, reads: Sequence[int] = WHOLE) -> tuple[float, float]:
    """Blocks of 512 kB a second over loopback, each answered by 100 bytes, and the sender's CPU in ms a block.

    With the options of our client's socket, so that its share is of the same TCP.
    """
    block = os.urandom(PIXELS)

    def send(address: tuple[str, int]) -> None:
        with socket.socket() as talk:
            apply(talk, TcpProfile.TUNED)
            talk.connect(address)
            for _ in range(count // connections):
                talk.sendall(block)
                talk.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as door:
        child = os.fork()
        if child == 0:
            _swallow(door, connections, reads)
        found = _timed(lambda: send(door.getsockname()), count, connections)
        os.waitpid(child, 0)
    return found


def into_null_sink(count: int, connections: int = 1) -> tuple[float, float]:
    """The same with C-STOREs of ours into the null sink, one association a connection."""
    head, pixels = encoded(dataset(0, pixels=PIXELS))[:-PIXELS], Repeated(os.urandom(PIXELS))

    def send(peer: Peer) -> None:
        with open_association(peer, "BENCH", [(CT, [EXPLICIT])]) as link:
            for number in range(count // connections):
                assert link.store(CT, f"2.25.77.9.{number + 1}", EXPLICIT, (head, pixels)).status == 0

    with running("embedded", "sink", mode="null", processes=CLIENTS[connections]) as target:
        return _in_processes(lambda: send(target.peer()), count, connections, CLIENTS[connections])


def _in_processes(send: Callable[[], None], count: int, connections: int, processes: int) -> tuple[float, float]:
    """As `_timed`, in so many processes, whose start is in the time, and what they share in threads of each."""
    pipe_out, pipe_in = os.pipe()
    began = time.perf_counter()
    children = [os.fork() or _one_client(pipe_in, send, count, connections, processes) for _ in range(processes)]
    os.close(pipe_in)
    with os.fdopen(pipe_out) as told:
        cpu_ms = [float(line) for line in told]
    took = time.perf_counter() - began
    for child in children:
        os.waitpid(child, 0)
    assert len(cpu_ms) == processes, "a client process has failed"
    return count / took, sum(cpu_ms) / processes


def _one_client(pipe_in: int, send: Callable[[], None], count: int, connections: int, processes: int) -> NoReturn:
    _, cpu_ms = _timed(send, count // processes, connections // processes)
    os.write(pipe_in, f"{cpu_ms}\n".encode())
    os._exit(0)


def _timed(send: Callable[[], None], count: int, connections: int) -> tuple[float, float]:
    """Blocks a second and CPU of this process in ms a block, of so many threads at once."""
    threads = [Thread(target=send) for _ in range(connections)]
    before, began = _cpu_s(), time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return count / (time.perf_counter() - began), (_cpu_s() - before) / count * 1000


def _swallow(door: socket.socket, connections: int, reads: Sequence[int]) -> None:
    """Read blocks and answer each, one thread a connection; then end this process."""

    def serve(talk: socket.socket) -> None:
        room, got, sizes = bytearray(1 << 20), 0, cycle(reads)
        while taken := talk.recv_into(room, next(sizes)):
            got += taken
            while got >= PIXELS:
                got -= PIXELS
                talk.sendall(bytes(100))

    threads = [Thread(target=serve, args=(door.accept()[0],)) for _ in range(connections)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    os._exit(0)


def sink_pair(connections: int, count: int) -> dict[str, float]:
    """One run of bare TCP and one of ours."""
    (raw, bare_ms), (ours_s, cpu_ms) = raw_tcp(count, connections), into_null_sink(count, connections)
    return {"raw_s": raw, "ours_s": ours_s, "share": ours_s / raw, "bare_ms": bare_ms, "cpu_ms": cpu_ms,
            "client_processes": CLIENTS[connections]}  # fmt: skip


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def pair(folder: Path, environment: Mapping[str, str], theirs: int, mine: int) -> dict[str, float]:
    """One run of each client into a fresh storescp with this environment."""
    port = free_port()
    with process(["/usr/bin/storescp", "--ignore", str(port)], port, folder, dict(environment)):
        peer = Peer("127.0.0.1", port, "STORESCP")
        rate = storescu(peer, folder, theirs, environment)
        tuned, cpu_ms = ours(peer, TcpProfile.TUNED, mine)
        modality, _ = ours(peer, TcpProfile.MODALITY, theirs)
    _, bare_ms = raw_tcp(mine, reads=AS_STORESCP)
    return {"storescu_s": rate, "tuned_s": tuned, "modality_s": modality, "ratio": tuned / rate, "cpu_ms": cpu_ms,
            "bare_ms": bare_ms}  # fmt: skip


def measure(repeats: int = 3) -> dict[str, object]:
    """All runs and their medians (rule L11: no best-of), keyed by the environment of the DCMTK programs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(300):
            (folder / f"{number:03}.dcm").write_bytes(part10(dataset(number, pixels=PIXELS)))
        shipped = [pair(folder, SHIPPED, 40, 1500) for _ in range(repeats)]
        no_delay = [pair(folder, NO_DELAY, 300, 1500) for _ in range(repeats)]
    sinks = {n: [sink_pair(n, 2000 * n) for _ in range(repeats)] for n in (1, 4)}
    return {
        "as shipped": {"runs": shipped, "median": _median(shipped)},
        "TCP_NODELAY=1": {"runs": no_delay, "median": _median(no_delay)},
        **{f"null sink, {n} associations": {"runs": runs, "median": _median(runs)} for n, runs in sinks.items()},
    }


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(median(run[key] for run in runs), 3) for key in runs[0]}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
