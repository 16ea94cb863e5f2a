"""The play itself, in a process of its own: prefill, clock, users, ledger, run folder.

`import locust` comes first in this process (`__main__`), since it patches the standard library.
"""

import json
import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import gevent
import pandas as pd
from gevent.pool import Pool
from locust.env import Environment

from loadtest.archives.target import Target
from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.play.acts import Device, Endpoint, act
from loadtest.play.ledger import ledger
from loadtest.play.plan import Operation, Plan, read_plan
from loadtest.play.records import Record, new_record, table
from loadtest.play.users import STAGE, DeviceUser
from loadtest.verdict.health import health
from loadtest.wire import StoreListener
from sim.runs.store import RunWriter, file_hash

LEAD_S = 1.0  # between the last user's start and the play's zero
GRACE_S = 60.0  # for the last answers, after the last due time
PREFILL_AT_ONCE = 4


def tell(**words: Any) -> None:
    """One JSON line to the parent."""
    print(json.dumps(words), flush=True)


@dataclass
class Job:
    """One traffic file and its archive."""

    path: Path
    plan: Plan
    endpoint: Endpoint
    filled: list[tuple[Operation, Record]]


def open_job(about: dict[str, Any], speed: float) -> Job:
    """Read a traffic file, make its objects' templates, and listen for its C-MOVEs."""
    path, target = Path(about["traffic"]), Target.model_validate(about["target"])
    plan = read_plan(path, speed)
    operations = [*plan.prefill, *plan.play]
    matrices = {code: tuple(shape) for code, shape in plan.about["matrices"].items()}
    factory = Factory(plan.about["seed"], matrices, Identities(o.study.patient for o in operations))
    for modality in sorted({o.study.modality for o in operations if o.operation == "store"}):
        factory.prepare(modality)
    listener = StoreListener(about["listener"], port=about["listener_port"], only_expected=True)
    listener.start()
    return Job(path, plan, Endpoint(target, factory, listener), [])


def prefill(jobs: list[Job]) -> None:
    """Store what the play will ask for; not measured, but in the ledger."""
    total, done = sum(len(j.plan.prefill) for j in jobs), 0
    pool = Pool(PREFILL_AT_ONCE)

    def one(job: Job, device: Device, operation: Operation) -> None:
        nonlocal done
        job.filled.append((operation, act(device, operation, new_record(operation, "prefill"), perf_counter())))
        done += 1
        tell(phase="prefill", progress=done, total=total)

    for job in jobs:
        device = Device(job.endpoint, "PREFILL")
        for operation in job.plan.prefill:
            pool.spawn(one, job, device, operation)
        pool.join()
        device.close()


def play(jobs: list[Job], web_port: int) -> dict[str, Any]:
    """Run all devices of all jobs on time; returns the generator's own health."""
    environment = Environment(user_classes=[DeviceUser])
    runner = environment.create_local_runner()
    STAGE.fire = environment.events.request.fire
    for job in jobs:
        for ae_title, operations in job.plan.devices().items():
            STAGE.waiting.append((Device(job.endpoint, ae_title), operations))
    page = environment.create_web_ui("127.0.0.1", web_port) if web_port else None
    users, devices = len(STAGE.waiting), [device for device, _ in STAGE.waiting]
    length = max(j.plan.length_s for j in jobs)
    runner.start(users, spawn_rate=max(users, 1), wait=True)
    STAGE.zero = perf_counter() + LEAD_S
    cpu, total, peak = process_time(), sum(len(j.plan.play) for j in jobs), 0.0
    while STAGE.finished < users and perf_counter() < STAGE.zero + length + GRACE_S:
        asked = perf_counter()
        gevent.sleep(0.25)
        peak = max(peak, perf_counter() - asked - 0.25)
        tell(phase="play", progress=len(STAGE.records), total=total)
    used, wall = process_time() - cpu, perf_counter() - STAGE.zero
    runner.quit()
    for device in devices:
        device.close()
    if page is not None:
        page.stop()
    return {"cpu_share": used / wall, "loop_delay_s": peak, "wall_s": wall, "users": users}


def _unfinished(jobs: list[Job]) -> list[Record]:
    """Operations that nothing was heard of before the grace ended: dropped, and counted."""
    known = {(r.cluster, r.op) for r in STAGE.records}
    return [new_record(o, "play") for j in jobs for o in j.plan.play if (j.plan.cluster, o.op) not in known]


def write(jobs: list[Job], seen: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Ledger, verdict and run folder."""
    records = [*STAGE.records, *_unfinished(jobs)]
    by_op = {(r.cluster, r.op): r for r in records}
    books, counts = [], {}
    for n, job in enumerate(jobs):
        tell(phase="ledger", progress=n, total=len(jobs))
        sent = [(o, by_op[job.plan.cluster, o.op]) for o in job.plan.play if o.operation == "store"]
        books.append(ledger(job.endpoint, [*job.filled, *sent]))
        counts[job.plan.cluster] = job.endpoint.target.count_instances()
        job.endpoint.listener.stop()
    book, frame = pd.concat(books, ignore_index=True), table([*(r for j in jobs for _, r in j.filled), *records])
    verdict = health(frame, book, counts, seen)
    with RunWriter(Path(config["out"])) as writer:
        writer.table("operations", frame)
        writer.table("ledger", book)
        writer.close({
            "kind": "load", "title": jobs[0].plan.about["scenario"], "version": version("filmless"),
            "start": jobs[0].plan.about["start"], "end": "", "clusters": [j.plan.cluster for j in jobs],
            "hours": jobs[0].plan.about["hours"], "speed": config["speed"], "tcp_profile": "tuned",
            "seed": jobs[0].plan.about["seed"], "scenario": {"title": jobs[0].plan.about["scenario"]},
            "scenario_hash": jobs[0].plan.about["scenario_hash"],
            "traffic": {j.plan.cluster: file_hash(j.path) for j in jobs},
            "starts": {j.plan.cluster: j.plan.about["start"] for j in jobs},
            "targets": {j.plan.cluster: j.endpoint.target.model_dump(mode="json") for j in jobs},
            "instances": counts, "generator": seen, **verdict,
        })  # fmt: skip
    return verdict


def main(config_path: str) -> None:
    """The whole play of a configuration file."""
    config = json.loads(Path(config_path).read_text())
    jobs = [open_job(about, config["speed"]) for about in config["jobs"]]
    prefill(jobs)
    seen = play(jobs, config.get("web_port", 0))
    tell(phase="done", **write(jobs, seen, config))
    sys.stdout.flush()
    os._exit(0)  # greenlets of a stuck archive must not keep the process alive
