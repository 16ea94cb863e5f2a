"""In a patched process of its own: taking turns, many devices, and Locust's histogram."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import gevent

from loadtest.play.turns import let_others

ROOT = Path(__file__).parents[3]

TURNS = """
import locust
import socket, sys, threading, time, gevent
from loadtest.play.turns import take_turns
if sys.argv[1] == "fair":
    take_turns()
near, far = socket.socketpair()
near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
turns, buffer, piece = [], bytearray(4096), bytes(65536)

def chat():
    # one greenlet that writes a piece and reads it in small steps: its socket never blocks
    for _ in range(8000):
        far.sendall(piece)
        for _ in range(16):
            near.recv_into(buffer)

def sleeper():
    while True:
        gevent.sleep(0.005)
        turns.append(1)

other = gevent.spawn(sleeper)
gevent.sleep(0.02)
del turns[:]
gevent.spawn(chat).join()
print(len(turns))
"""


def python(script: str, *words: str) -> str:
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_socket_that_never_blocks_lets_others_run() -> None:
    """Turns of who wakes each 5 ms beside a chat of some 300: counted, since a busy machine makes each of them late."""
    assert int(python(TURNS, "as it is")) <= 1
    assert int(python(TURNS, "fair")) >= 3


DEVICES = """
import locust
import time
from loadtest.play.users import LocalPlayers, exact_ms
begun = []

class Device:
    def play(self):
        begun.append(1)

players = LocalPlayers([(f"cluster {n % 5}", Device()) for n in range(1500)])
players.spawn()
assert not begun
players.begin()
until = time.monotonic() + 10
while len(begun) < 1500 and time.monotonic() < until:
    time.sleep(0.01)
players.quit()
print(len(begun), len(players.environment.user_classes), exact_ms(0.41234), exact_ms(147.26), exact_ms(58762.0))
"""


def test_a_user_for_each_device_and_a_finer_histogram() -> None:
    assert python(DEVICES) == "1500 5 0.412 147.0 58800.0\n"


def test_who_waits_for_a_time_runs_too_when_others_are_let() -> None:
    ran: list[int] = []
    gevent.spawn_later(0.001, ran.append, 1)
    until = perf_counter() + 0.005
    while perf_counter() < until:
        continue
    let_others()
    assert ran == [1]


def test_the_table_of_files_has_grown_before_the_clock_starts() -> None:
    script = "from loadtest.play.files import make_room; make_room(3000); print(open('/proc/self/status').read())"
    told = dict(line.split(":", 1) for line in python(script).splitlines() if ":" in line)
    assert int(told["FDSize"]) >= 12_000
