"""Before the clock starts: the templates are made, and the studies that will be asked for are stored."""

from collections.abc import Mapping, Sequence

from gevent.pool import Pool

from loadtest.play.archive import Archive
from loadtest.play.recorder import Recorder
from loadtest.play.services import Done
from loadtest.play.tell import Progress
from loadtest.play.traffic import Operation
from loadtest.play.turns import let_others
from loadtest.wire import WireError


def prepare(archives: Sequence[Archive], modalities: Mapping[int, set[str]]) -> None:
    """Make every template that the plan needs, so that none is made while the clock runs."""
    pairs = [(job, modality) for job, found in modalities.items() for modality in sorted(found)]
    progress = Progress("prepare", len(pairs))
    for job, modality in pairs:
        archives[job].factory.prepare(modality)
        let_others()  # up to a second each: a worker's heartbeat goes on
        progress.step()


def prefill(archives: Sequence[Archive], operations: Sequence[Operation], at_once: int, recorder: Recorder) -> None:
    """Store the prefill, `at_once` studies of each archive at a time; each outcome goes to `recorder`."""
    progress = Progress("prefill", len(operations))
    clusters = [Pool(at_once) for _ in archives]
    turns = [iter([one for one in operations if one.job == job]) for job in range(len(archives))]
    lanes = [
        pool.spawn(_lane, archives[job], turns[job], recorder, progress)
        for job, pool in enumerate(clusters)
        for _ in range(at_once)
    ]
    for lane in lanes:
        lane.get()  # a defect of ours ends the play


def _lane(archive: Archive, turns: "Sequence[Operation]", recorder: Recorder, progress: Progress) -> None:
    for one in turns:
        start_s, done = recorder.clock.now(), Done()
        recorder.begun(one, done)
        try:
            archive.services["store"](one, done)
        except WireError as error:
            done.error(error)
        recorder.done(one, start_s, start_s, 0.0, done)
        progress.step()
