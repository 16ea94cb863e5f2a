"""One archive as the play sees it: every service of every device, behind one call."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from gevent import joinall

from loadtest.archives.listening import listener_for
from loadtest.archives.mends import TLS
from loadtest.archives.target import Destination as Known
from loadtest.archives.target import Target
from loadtest.archives.web_door import open_web
from loadtest.objects.factory import Factory
from loadtest.play.associations import Associations
from loadtest.play.config import JobConfig, PlayConfig
from loadtest.play.destination import Destination
from loadtest.play.dimse import Dimse, proposals
from loadtest.play.faults import PlayedFault, absolute, link_steps
from loadtest.play.permission import ask_archive, check_agreed, limiter_of
from loadtest.play.plan import Plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.services import Service
from loadtest.play.traffic import About, Operation
from loadtest.play.web import Web
from loadtest.wire import DicomWeb, Peer, StoreListener, TcpProfile, Timeouts, WireError
from loadtest.wire.channel import connect
from loadtest.wire.pace import Link
from loadtest.wire.settings import ANNOUNCED

LEDGER_AE = "FILMLESS_LEDGER"
LISTENER = Timeouts(connect_s=5.0, response_s=120.0, operation_s=600.0)  # an archive may hold its association open


@dataclass
class Archive:
    """A target, with what is needed to use it."""

    cluster: str
    target: Target
    factory: Factory
    associations: Associations
    services: Mapping[str, Service]
    web: Web
    listener: StoreListener | None = None
    links: Mapping[str, Link] = field(default_factory=dict)
    faults: Sequence[PlayedFault] = ()

    def fail_links(self, zero: float) -> None:
        """Let the faults of links begin with the play, whose zero this is; infinite: all links are well."""
        for site, link in self.links.items():
            link.fail(absolute(link_steps(self.faults, self.cluster, site), zero))

    def close(self) -> None:
        """Release and close everything."""
        self.release()
        self.web.close()

    def release(self) -> None:
        """Release every association that is not in use; the archive has a bounded time to answer."""
        joinall(self.associations.release_idle(older_than_s=0.0))


@dataclass(frozen=True)
class Seat:
    """Whose part of the plan this process plays: worker `number` of `of`; `plays` False for who only prefills."""

    number: int = 0
    of: int = 1
    plays: bool = True


def open_archive(
    job: int, about: About, factory: Factory, plan: Plan, config: PlayConfig, stack: ExitStack,
    seat: Seat | None = None, faults: Sequence[PlayedFault] = (),
) -> Archive:  # fmt: skip
    """Prepare one job's archive; its C-MOVE listener runs until `stack` closes. Nothing is sent yet.

    Raises TrafficProblem where the plan asks for what the target does not name, PlayFailed where a port is taken, or
    what is to be used of the environment cannot be.
    """
    target, ours = config.jobs[job].target, [one for one in plan.prefill + plan.play if one.job == job]
    operations, seat = {one.operation for one in ours}, seat or Seat()
    moves = "move" in operations and config.retrieve == "planned"
    known = _known(config.jobs[job], seat.number) if moves else None
    _check_web(target, operations.intersection(config.by_web()))
    _check_brought(target)
    check_agreed(target, ours, datetime.now())
    proposed = proposals(factory, _stored(ours), {one.modality for one in ours}, config.async_window)
    associations = Associations(
        _peer(target),
        lambda ae_title, service: proposed[ae_title][service],
        config.profile(),
        config.timeouts(),
        config.kept_s(),
        config.pdu_length,
    )
    destination = _destination(known, target, config, stack) if known and seat.plays else None
    links = links_of(about, ours) if config.shape else _failing(faults, about.cluster, ours)
    per_image = config.association == "image"
    limiter = limiter_of(target, seat.of)
    dimse = Dimse(factory, associations, destination, limiter, per_image, links)
    web = Web(
        factory, lambda: open_web(target, config.timeouts(), config.profile()), links, config.connect_s,
        config.view_by, config.qido_page, config.batch, limiter, associations.tally,
    )  # fmt: skip
    move = dimse.get if config.retrieve == "get" else dimse.move
    services: dict[str, Service] = {
        "store": web.store if config.store_by == "stow" else dimse.store,
        "find": dimse.find, "get": dimse.get, "move": move, "qido": web.qido, "wado": web.wado,
    }  # fmt: skip
    listener = destination.listener if destination else None
    return Archive(about.cluster, target, factory, associations, services, web, listener, links, faults)


def _peer(target: Target) -> Peer:
    try:
        return target.peer()
    except ValueError as error:  # the words name the variable only
        raise PlayFailed(f"archive '{target.name}', DICOM: {error}", 2) from None


def links_of(about: About, operations: Sequence[Operation]) -> dict[str, Link]:
    """The link of each site, at the scenario's rate. Raises TrafficProblem where the traffic does not tell it."""
    sites = {one.site for one in operations}
    if missing := sorted(sites.difference(about.wan_bytes_s)):
        raise TrafficProblem(
            f"shape: the traffic of {about.cluster} does not tell the rate of {len(missing)} sites' links, such as "
            f"{missing[0]}: make it again with `filmless traffic`"
        )
    return {site: Link(about.wan_bytes_s[site]) for site in sorted(sites)}


def _failing(faults: Sequence[PlayedFault], cluster: str, operations: Sequence[Operation]) -> dict[str, Link]:
    """Links that only a fault holds up, where links have no rate."""
    sites = sorted({one.site for one in operations})
    return {site: Link(inf) for site in sites if link_steps(faults, cluster, site)}


def _stored(operations: Sequence[Operation]) -> dict[str, set[str]]:
    """AE title -> the modalities of what it stores; the ledger's own AE title stores none."""
    kinds: dict[str, set[str]] = {LEDGER_AE: set()}
    for one in operations:
        stored = kinds.setdefault(one.ae_title, set())
        if one.operation == "store":
            stored.add(one.modality)
    return kinds


def _check_web(target: Target, operations: set[str]) -> None:
    web = sorted("STOW-RS" if one == "store" else one for one in operations)
    if web and not target.base_url:
        raise TrafficProblem(
            f"target '{target.name}': the traffic asks for {' and '.join(web)}, and the target has no base_url: "
            "add its DICOMweb root to the target file"
        )


def _check_brought(target: Target) -> None:
    """What we bring along to the DICOMweb door must be fit to be used: the final read asks there too."""
    try:
        if target.base_url:
            DicomWeb(target.base_url, tls=target.web_tls()).close()
    except ValueError as error:  # the words name the variable only
        raise PlayFailed(f"archive '{target.name}', DICOMweb: {error}", 2) from None


def _known(job: JobConfig, worker: int) -> Known:
    """A worker's own C-MOVE destination as the archive knows it."""
    if job.target.destinations:
        return job.target.destinations[worker]
    if job.listener_port:
        return Known(ae_title=job.listener, port=job.listener_port)
    raise TrafficProblem(
        f"target '{job.target.name}': the traffic asks for C-MOVE, and the target names no destination of ours: "
        'add [[destinations]] to the target file, or play with retrieve = "get"'
    )


def _destination(known: Known, target: Target, config: PlayConfig, stack: ExitStack) -> Destination:
    try:
        listener = listener_for(
            target, known, profile=config.profile(), timeouts=LISTENER, max_pdu=config.pdu_length or ANNOUNCED
        )
    except OSError as error:
        where = f"{known.ae_title} at {known.host}:{known.port}"
        raise PlayFailed(f"cannot listen as C-MOVE destination {where}: {error.strerror}") from None
    return Destination(stack.enter_context(listener))


def check_reachable(archive: Archive, needs_web: bool, timeouts: Timeouts) -> None:
    """Open and close a connection to each door that the plan uses, and ask a remote archive for its owner's marker.

    Raises PlayFailed with who did not answer, TrafficProblem where consent is missing.
    """
    peer = archive.target.peer()
    doors = [("DICOM", peer.host, peer.port, peer.tls)]
    if archive.target.base_url:  # the final read asks there too
        place = _web_place(archive.target, timeouts)
        doors += [("DICOMweb", *place, None)] if needs_web else []
    for name, host, port, tls in doors:
        try:
            connect(host, port, TcpProfile.TUNED, timeouts.connect_s, tls, peer.name).close()
        except WireError as error:
            if str(error).startswith("TLS"):
                raise PlayFailed(f"archive '{archive.target.name}', {name}: {error}. {TLS}") from None
            mend = "start it, or correct host and port of the target; `filmless load --check` tries each service"
            named_by_user = not archive.target.pid  # bad input; one that we started is our own failure
            code = 2 if named_by_user else 1
            raise PlayFailed(f"archive '{archive.target.name}', {name}: {error}: {mend}", code) from None
    ask_archive(archive.target)


def _web_place(target: Target, timeouts: Timeouts) -> tuple[str, int]:
    """Address and port of the DICOMweb door. Raises PlayFailed where its name leads nowhere."""
    try:
        with open_web(target, timeouts) as web:
            return web.place
    except WireError as error:
        raise PlayFailed(f"archive '{target.name}', DICOMweb: {error}") from None
