"""What the play is told: one JSON file, strict, everything with a bound."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator, model_validator

from loadtest.archives.target import Target
from loadtest.objects.uids import LOTS
from loadtest.play.problems import TrafficProblem
from loadtest.wire import TcpProfile, Timeouts
from loadtest.wire.settings import ANNOUNCED, LARGEST_WINDOW, check_max_pdu
from sim.world.quantity import Strict

Bound = Annotated[float, Field(gt=0, le=3600)]
Segment = Annotated[int, AfterValidator(lambda n: replace(TcpProfile.TUNED, segment_bytes=n).segment_bytes)]
PduLength = Annotated[int, AfterValidator(lambda n: check_max_pdu(n) if n else 0)]
PROFILES = {"tuned": TcpProfile.TUNED, "modality": TcpProfile.MODALITY}


class JobConfig(Strict):
    """One traffic file and the archive that it is played against."""

    traffic: str
    target: Target
    listener: str = Field(default="FILMLESSDEST", description="AE title of our C-MOVE destination, and its port,")
    listener_port: int = Field(default=0, ge=0, le=65535, description="where the target names none; 0 = there is none")


class PlayConfig(Strict):
    """The whole play. What decides a latency (TCP profile, associations) is named here and told in the result."""

    jobs: list[JobConfig] = Field(min_length=1, max_length=6)
    out: str = Field(description="the run folder that is made; it must not be there")
    speed: float = Field(default=1.0, gt=0, le=1e6)
    prefill: Literal["send", "skip"] = Field(default="send", description="skip: the archive holds them already")
    lot: int = Field(default=0, ge=0, lt=LOTS, description="of objects: each has UIDs of its own; 0: those of the seed")
    ledger: Literal["full", "none"] = Field(default="full", description="none: a null sink, which finds nothing")
    commit: bool = Field(default=False, description="ask the archive to commit to every object that it acknowledged")
    verify_hashes: float = Field(default=0.0, ge=0, le=1, description="share of studies retrieved and compared")
    kill_at: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="kill -9 and restart of our archives after this share of the plan's time",
    )
    faults: bool = Field(default=False, description="the scenario's faults befall our embedded archives and the links")
    retrieve: Literal["planned", "get"] = Field(default="planned", description="get: C-GET for C-MOVE as well")
    store_by: Literal["dimse", "stow"] = Field(default="dimse", description="C-STORE, or STOW-RS")
    batch: int = Field(default=16, ge=1, le=1000, description="objects of a study in one STOW-RS request")
    qido_page: int = Field(default=0, ge=0, le=10_000, description="answers of a QIDO-RS page; 0: not by pages")
    tcp: Literal["tuned", "modality"] = "tuned"
    segment_bytes: Segment = Field(default=0, description="TCP_MAXSEG, 88 to 32767; 0: the system's choice")
    pdu_length: PduLength = Field(
        default=0,
        description=f"of a PDU in bytes: what we announce, and the most that we send, never more than the peer takes; "
        f"0: {ANNOUNCED} announced, and sent as long as the peer takes",
    )
    transfer_syntax: Literal["explicit", "implicit", "jpeg-ls", "jpeg-2000", "htj2k", "rle"] = "explicit"
    association: Literal["kept", "study", "series", "image"] = Field(
        default="kept",
        description="kept open until idle, or one a study (of one series, here), query or image",
    )
    keep_idle_s: Bound = Field(default=2.0, description="a kept association is released after so long without use")
    async_window: int = Field(
        default=1,
        ge=1,
        le=LARGEST_WINDOW,
        description="C-STOREs under way at once on an association, where the archive grants it; 1: not proposed",
    )
    view_by: Literal["instances", "series", "instance", "frames", "rendered", "metadata"] = Field(
        default="instances",
        description="how WADO-RS views a study: its instances at once, series by series or instance by instance; its "
        "metadata, then each frame or rendered image; or its metadata alone",
    )
    shape: bool = Field(default=False, description="each site's bytes pass its link at the scenario's rate")
    modality_associations: int = Field(default=1, ge=1, le=64, description="studies that a modality sends at once")
    workstation_associations: int = Field(default=8, ge=1, le=64, description="requests that a workstation has at once")
    prefill_associations: int = Field(default=2, ge=1, le=16, description="studies sent at once, a cluster, in prefill")
    backlog: int = Field(default=1000, ge=0, le=100_000, description="may wait at a device; more is dropped")
    drain_s: Bound = Field(default=60.0, description="what still waits so long after the last due time is dropped")
    priority: Literal["first", "usual"] = Field(
        default="first", description="first: on the core as soon as an operation is due, where the system allows it"
    )
    connect_s: Bound = 5.0
    response_s: Bound = 30.0
    operation_s: Bound = 60.0
    workers: int = Field(default=0, ge=0, le=64, description="Locust workers that play; 0: this process does")
    master: str = Field(default="", description="host:port for workers from elsewhere; '': they are started here")
    join_s: Bound = Field(default=60.0, description="the workers have so long to come")
    web: bool = False
    web_port: int = Field(default=8089, ge=1, le=65535)

    @field_validator("master")
    @classmethod
    def _address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if value and not (host and colon and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("give host:port, such as 127.0.0.1:5557")
        return value

    @model_validator(mode="after")
    def _no_link_for_stow(self) -> "PlayConfig":
        if self.store_by == "stow" and (self.shape or self.faults):
            raise ValueError("store_by stow with shape or faults: what STOW-RS sends does not pass a site's link")
        if self.store_by == "stow" and self.async_window > 1:
            raise ValueError("store_by stow with async_window: it is for C-STORE; take batch for several at once")
        return self

    @model_validator(mode="after")
    def _something_to_pipeline(self) -> "PlayConfig":
        if self.async_window > 1 and self.association == "image":
            raise ValueError("--async-window with --association image: one image fills no window; take kept or study")
        return self

    @model_validator(mode="after")
    def _one_at_a_time_over_tls(self) -> "PlayConfig":
        safe = [job.target.name for job in self.jobs if job.target.tls]
        if self.async_window > 1 and safe:
            raise ValueError(
                f"async_window over TLS, which '{safe[0]}' speaks: OpenSSL lets nobody read a connection while another "
                "writes it; take a window of 1"
            )
        return self

    @model_validator(mode="after")
    def _one_link_a_site(self) -> "PlayConfig":
        if self.shape and self.workers > 1:
            raise ValueError(
                "--shape with --workers: a site's link cannot be shared by processes; use one worker, or none"
            )
        return self

    def timeouts(self) -> Timeouts:
        """The bounds of each connection."""
        return Timeouts(self.connect_s, self.response_s, self.operation_s)

    def profile(self) -> TcpProfile:
        """How the sockets behave."""
        return replace(PROFILES[self.tcp], segment_bytes=self.segment_bytes)

    def by_web(self) -> tuple[str, ...]:
        """The operations that go by DICOMweb."""
        return ("qido", "wado", "store") if self.store_by == "stow" else ("qido", "wado")

    def kept_s(self) -> float:
        """How long an unused association stays open: 0 unless it is kept."""
        return self.keep_idle_s if self.association == "kept" else 0.0


def problem_of(name: str, value: object) -> str:
    """What is wrong with a value of one setting, in words; "" for one that is good by itself."""
    field: Any = PlayConfig.model_fields[name]
    one: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])
    try:
        one.validate_python(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def read_config(path: Path) -> PlayConfig:
    """The configuration of a file. Raises TrafficProblem with all that is wrong with it."""
    try:
        return PlayConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TrafficProblem(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors()]
        raise TrafficProblem("\n".join(lines)) from None
