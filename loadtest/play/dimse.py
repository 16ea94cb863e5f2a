"""The DIMSE services of one archive: C-STORE, C-FIND, C-GET, C-MOVE (PS3.7 9.1)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from loadtest.archives.listening import caller_mend
from loadtest.objects.factory import Factory
from loadtest.play.associations import Associations, Line, Proposal
from loadtest.play.destination import Destination
from loadtest.play.permission import Limiter
from loadtest.play.services import Done, words, worst
from loadtest.play.storing import Object, store_all
from loadtest.play.studies import identifier, study_of
from loadtest.play.traffic import Operation
from loadtest.wire import CountingSink, Reply
from loadtest.wire.counted import Counted
from loadtest.wire.pace import Link
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE

PLAIN = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
ANSWERS = ("PatientName", "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy")


def proposals(
    factory: Factory, stored: Mapping[str, Collection[str]], asked: Collection[str], window: int = 1
) -> dict[str, dict[str, Proposal]]:
    """AE title -> service -> what its association proposes. `stored`: AE title -> the modalities that it stores.

    A C-GET proposes the classes of all modalities `asked`, each in a context for each plain syntax and that of the
    objects stored, to be their SCP. `window` C-STOREs are proposed to be under way at once.
    """
    every = sorted({factory.sop_class(m) for m in asked})
    pairs = [(uid, [syntax]) for uid in every for syntax in dict.fromkeys((str(factory.transfer_syntax), *PLAIN))]
    common = {
        "find": Proposal([(STUDY_ROOT_FIND, PLAIN)]),
        "move": Proposal([(STUDY_ROOT_MOVE, PLAIN)]),
        "get": Proposal([(STUDY_ROOT_GET, PLAIN), *pairs], every),
    }
    return {ae: common | {"store": _storing(factory, kinds, window)} for ae, kinds in stored.items()}


def _storing(factory: Factory, kinds: Collection[str], window: int) -> Proposal:
    syntax = [str(factory.transfer_syntax)]
    return Proposal([(uid, syntax) for uid in sorted({factory.sop_class(m) for m in kinds})], window=window)


class Dimse:
    """Carries out operations over each device's associations.

    `destination` is where C-MOVE sends; `limiter` holds an agreed rate of objects.
    """

    def __init__(
        self,
        factory: Factory,
        associations: Associations,
        destination: Destination | None = None,
        limiter: Limiter | None = None,
        per_image: bool = False,
        links: Mapping[str, Link] | None = None,
    ) -> None:
        self._factory, self._associations = factory, associations
        self._destination, self._limiter, self._per_image = destination, limiter, per_image
        self._links = links or {}

    @contextmanager
    def _line(self, operation: Operation, service: str, done: Done) -> Iterator[Line]:
        """The device's association for a service, over the link of the operation's site."""
        link = self._links.get(operation.site)
        if link is not None:
            link.reach(self._associations.connect_s)
        with self._associations.borrow(operation.ae_title, service) as line:
            _opening(line, done)
            line.link.channel.link = link
            yield line

    def store(self, operation: Operation, done: Done) -> None:
        """C-STORE of a study; the first object that breaks its association ends it."""
        step = 1 if self._per_image else operation.objects
        for first in range(0, operation.objects, step):
            with self._line(operation, "store", done) as line:
                numbers = range(first, min(first + step, operation.objects))
                store_all(line.link, self._objects(operation, numbers, done), done)
        done.outcome = worst(one.outcome for one in done.sent)

    def _objects(self, operation: Operation, numbers: Iterable[int], done: Done) -> Iterator[Object]:
        """The study's objects, each made when it is to be sent, at the rate that is agreed."""
        study = study_of(operation)
        sop_class, syntax = self._factory.sop_class(study.modality), str(self._factory.transfer_syntax)
        for number in numbers:
            done.blocked_s += self._limiter.wait() if self._limiter else 0.0
            uid = self._factory.instance_uid(operation.exam, number)
            yield number, (sop_class, uid, syntax), self._factory.parts(study, number)

    def find(self, operation: Operation, done: Done) -> None:
        """C-FIND of the study by its UID and Patient ID."""
        asked = identifier(self._factory, operation, with_patient=True, count=True)
        for keyword in ANSWERS:
            setattr(asked, keyword, None)
        with self._line(operation, "find", done) as line:
            found, reply = line.link.find(STUDY_ROOT_FIND, asked)
        done.objects = len(found)
        _answered(reply, done, "" if found else "the study is not found")

    def get(self, operation: Operation, done: Done) -> None:
        """C-GET of the study over the workstation's own association."""
        sink = CountingSink(instances=self._factory.instances(operation.exam, operation.objects))
        try:
            with self._line(operation, "get", done) as line:
                asked, sop_class = identifier(self._factory, operation), self._factory.sop_class(operation.modality)
                reply = line.link.get(STUDY_ROOT_GET, asked, sink, sop_class)
        finally:
            done.objects, done.bytes = sink.objects, sink.bytes
            done.first_object = sink.first_object or done.first_object
        _retrieved(reply, done, operation, sink)

    def move(self, operation: Operation, done: Done) -> None:
        """C-MOVE of the study to our listener; its times are those of the arrival there."""
        if self._destination is None:
            raise ValueError("the plan holds a C-MOVE and there is no destination for it")
        uid, link = self._factory.study_uid(operation.exam), self._links.get(operation.site)
        ours = self._factory.instances(operation.exam, operation.objects)
        with self._destination.expecting(uid, link.down if link else None, ours) as arrival:
            done.blocked_s = arrival.blocked_s
            try:
                with self._line(operation, "move", done) as line:
                    asked = identifier(self._factory, operation)
                    reply = line.link.move(STUDY_ROOT_MOVE, asked, self._destination.ae_title)
                if reply.ok:
                    arrival.wait(operation.objects if reply.completed is None else reply.completed)
            finally:
                arrival.tell(done)
            _retrieved(reply, done, operation, arrival.arrival)
            if done.outcome != "ok" and (mend := caller_mend(self._destination.listener)):
                done.note(done.outcome, done.status, f"{done.detail}; {mend}")
            if done.outcome == "ok":
                done.first_byte, done.end = arrival.first_byte, arrival.last_object


def _opening(line: Line, done: Done) -> None:
    done.connect_s += line.connect_s
    done.negotiate_s += line.negotiate_s


def _answered(reply: Reply, done: Done, wrong: str, also: str = "") -> None:
    """The outcome of a query or retrieve from its final response; `wrong` makes it failed, `also` is only told."""
    done.first_byte, done.end = reply.first_byte, reply.end
    if not reply.ok:
        done.note("refused", reply.status, words(reply))
    elif reply.failed or wrong:
        done.note("failed", reply.status, _joined(f"{reply.failed or 0} sub-operations failed", wrong, also))
    else:
        done.note("ok", reply.status, _joined(words(reply) if reply.status else "", also))


def _retrieved(reply: Reply, done: Done, operation: Operation, came: Counted) -> None:
    """The outcome of a retrieve: each object of the study has come, and no other one; which came again is told."""
    foreign = f"{came.foreign} came that are none of the study's" if came.foreign else ""
    again = f"{came.repeated} came again" if came.repeated else ""
    _answered(reply, done, _joined(short(operation, came.objects), foreign), again)


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))


def short(operation: Operation, objects: int) -> str:
    """What a retrieve lacks, in words; "" when all came."""
    return "" if objects == operation.objects else f"{objects} objects came of {operation.objects}"
