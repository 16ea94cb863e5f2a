"""Under gevent's patched sockets and threads, in a process of its own; and gevent is never imported by us."""

import subprocess
import sys

SCRIPT = """
from gevent import monkey
monkey.patch_all()
import time, socket, gevent
from loadtest.wire import DicomWeb, Peer, StoreListener, Timeouts, open_association, PeerTimeout, multipart
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, STUDY, dataset, encoded

raw = encoded(dataset(0, pixels=262144))
BOUNDS = Timeouts(2, 5, 5)

def device(listener, number):
    with open_association(Peer("127.0.0.1", listener.port, "MOVER"), "A", [(CT, [EXPLICIT])], timeouts=BOUNDS) as link:
        for n in range(5):
            assert link.store(CT, f"1.2.{number}.{n}", EXPLICIT, (raw[:500], memoryview(raw)[500:])).status == 0

with StoreListener("MOVER", timeouts=BOUNDS, hashing=True) as listener:
    jobs = [gevent.spawn(device, listener, n) for n in range(20)]
    gevent.joinall(jobs, timeout=20, raise_error=True)
    assert listener.studies[STUDY].objects == 100, listener.studies
    assert listener.studies[STUDY].bytes == 100 * len(raw)

body = b"".join(multipart.encode([b"one"] * 3, b"B"))
head = f"HTTP/1.1 200 OK\\r\\nContent-Type: multipart/related; boundary=B\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
door = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        talk, _ = door.accept()
        gevent.spawn(answer, talk)
def answer(talk):
    talk.recv(65536)
    gevent.sleep(0.2)
    talk.sendall(head.encode() + body)
gevent.spawn(serve)
def browse():
    with DicomWeb(f"http://127.0.0.1:{door.getsockname()[1]}", BOUNDS, environment={}) as web:
        assert web.wado_study("1").objects == 3
began = time.perf_counter()
gevent.joinall([gevent.spawn(browse) for _ in range(20)], timeout=10, raise_error=True)
assert time.perf_counter() - began < 2.0, "one waited for another"

silent = socket.create_server(("127.0.0.1", 0))
def wait():
    try:
        peer = Peer("127.0.0.1", silent.getsockname()[1], "X")
        open_association(peer, "A", [(CT, [EXPLICIT])], timeouts=Timeouts(1, 0.3, 1))
    except PeerTimeout:
        return "ended"
began = time.perf_counter()
jobs = [gevent.spawn(wait) for _ in range(20)]
gevent.joinall(jobs, timeout=10, raise_error=True)
assert [job.value for job in jobs] == ["ended"] * 20
assert time.perf_counter() - began < 1.0
print("done")
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_greenlets() -> None:
    assert run(SCRIPT) == "done\n"


def test_gevent_and_locust_are_not_imported() -> None:
    names = "[name for name in sys.modules if name.split('.')[0] in ('gevent', 'locust', 'sim')]"
    assert run(f"import sys, loadtest.wire; print({names})") == "[]\n"
