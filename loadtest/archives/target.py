"""A target: one archive that load may be sent to.

A target file is TOML. Loopback needs a name, a port and an AE title; anything else also needs `allow_remote = true`
and every line of the `[consent]` table: unasked load on another's archive can delay care, and is an offence.
"""

import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from loadtest.archives.addresses import is_loopback
from loadtest.archives.consent import STATEMENT, Consent
from loadtest.archives.counting import count_instances
from loadtest.wire import Peer, identity_from
from loadtest.wire.settings import check_ae_title
from loadtest.wire.tls import client_context
from sim.world.problems import Problem as Plain
from sim.world.quantity import Strict

Port = Annotated[int, Field(ge=1, le=65535)]
_NOTHING_REMOTE = (
    "is not this machine. Load may leave it only with allow_remote = true and a [consent] table in the target file,"
    f' whose statement reads "{STATEMENT}"'
)


class Destination(Strict):
    """One of our C-MOVE listeners, as the archive must know it."""

    ae_title: str
    host: str = "127.0.0.1"
    port: Port
    calling_ae: str = Field(default="", description="AE title that the archive sends by; '' = the target's ae_title")

    @field_validator("ae_title")
    @classmethod
    def _title(cls, value: str) -> str:
        return check_ae_title(value)

    @field_validator("calling_ae")
    @classmethod
    def _calling(cls, value: str) -> str:
        return check_ae_title(value) if value else value


class Target(Strict):
    """An archive's addresses and what is known of it. Made by `load_target` or `running`; travels as JSON."""

    name: str = Field(min_length=1, max_length=64)
    host: str = "127.0.0.1"
    port: Port = Field(description="DICOM port")
    ae_title: str = Field(description="the archive's AE title (called)")
    tls: bool = Field(
        default=False, description="its DICOM port speaks TLS; files come from FILMLESS_TLS_CA and the like"
    )
    restricted: bool = Field(default=False, description="only the suites of PS3.15 B.13, wherever there is TLS")
    base_url: str = Field(default="", description="DICOMweb root such as http://127.0.0.1:8042/dicom-web; '' = none")
    statistics_url: str = Field(default="", description="JSON with the count of instances; '' = it cannot tell")
    destinations: list[Destination] = Field(default_factory=list, max_length=64)
    production: bool = Field(default=False, description="it holds studies that are not ours, and that is meant so")
    allow_remote: bool = False
    consent: Consent | None = None
    address: str = Field(default="", description="the IP address that the host stood for when the file was read")
    software: str = Field(default="", description="product, version, settings: for the report's disclosure")
    tcp: str = Field(default="", description="how the archive's sockets were set, where we set them")
    pid: int = Field(default=0, description="process id of an archive that we started; 0 = not ours")

    @field_validator("ae_title")
    @classmethod
    def _title(cls, value: str) -> str:
        return check_ae_title(value)

    @field_validator("base_url", "statistics_url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.query)
        if value and not plain:
            raise ValueError("give http(s)://host[:port]/path without user, password or query")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _restricted_tls(self) -> "Target":
        if self.restricted and not self.uses_tls():
            raise ValueError("restricted = true is about TLS: there is none without tls = true or an https URL")
        return self

    @model_validator(mode="after")
    def _only_here_unless_agreed(self) -> "Target":
        if self.allow_remote != (self.consent is not None):
            raise ValueError("allow_remote = true and the [consent] table go together: give both or neither")
        for host in self.hosts():
            if not (self.allow_remote or is_loopback(host)):
                raise ValueError(f"host {host!r} {_NOTHING_REMOTE}")
        return self

    def hosts(self) -> list[str]:
        """Every host that this target names, without repetition."""
        urls = [urlsplit(url).hostname or "" for url in (self.base_url, self.statistics_url) if url]
        return list(dict.fromkeys([self.host, *urls]))

    def uses_tls(self) -> bool:
        """Whether any of its doors is opened by TLS."""
        return self.tls or any(urlsplit(url).scheme == "https" for url in (self.base_url, self.statistics_url))

    def peer(self) -> Peer:
        """Its DICOM address, by the pinned IP address where there is one, and by TLS if it speaks that.

        Who we are to it is of the environment too (see wire.identity), so that it stands in no file of ours. Raises
        ValueError for what cannot be used, by the variable's name.
        """
        tls = client_context(os.environ, restricted=self.restricted) if self.tls else None
        return Peer(self.address or self.host, self.port, self.ae_title, self.host, tls, identity_from(os.environ))

    def web_tls(self) -> ssl.SSLContext | None:
        """For DICOMweb by https, where it must be of B.13; None: as HTTPS is by itself."""
        return client_context(os.environ, restricted=True) if self.restricted else None

    def count_instances(self) -> int | None:
        """Objects that the archive holds; None when it cannot tell. Raises WireError when it should and does not."""
        if not self.statistics_url:
            return None
        pinned = urlsplit(self.statistics_url).hostname == self.host.lower()
        return count_instances(self.statistics_url, self.web_tls(), self.address if pinned else "")


@dataclass(frozen=True, order=True)
class Problem(Plain):
    """One thing wrong with a target file, with its place where it is known, and how to mend it."""

    mend: str = ""

    def __str__(self) -> str:
        return super().__str__() + (f"; mend: {self.mend}" if self.mend else "")


class TargetErrors(ValueError):
    """All that is wrong with a target file. A command ends with exit code 2."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))
