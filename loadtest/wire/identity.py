"""Who we are to an archive that wants to know its users (user identity negotiation, PS3.7 D.3.3.7).

Name and passcode come from the environment only; they are in no message, repr or record (rule S3). The passcode crosses
the network as it is, so use TLS beyond this machine. An archive's `Peer` has it, so that each association offers it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

USER, PASSCODE = "FILMLESS_DICOM_USER", "FILMLESS_DICOM_PASSCODE"
LONGEST = 16_384  # bytes each; both fit an item


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """A user name, perhaps with a passcode. `wants_answer`: the archive is to say that it has accepted them.

    Raises ValueError where one is too long or no text, or there is no name; neither is in the message.
    """

    username: str = field(repr=False)
    passcode: str = field(default="", repr=False)
    wants_answer: bool = True

    def __post_init__(self) -> None:
        if not self.username:
            raise ValueError(f"{USER} is empty: user identity negotiation needs a name")
        for name, value in ((USER, self.username), (PASSCODE, self.passcode)):
            try:
                long = len(value.encode("utf-8")) > LONGEST
            except UnicodeEncodeError:  # which quotes what it cannot encode
                raise ValueError(f"{name} is not of UTF-8") from None
            if long:
                raise ValueError(f"{name} is longer than {LONGEST} bytes")


def identity_from(environment: Mapping[str, str]) -> UserIdentity | None:
    """FILMLESS_DICOM_USER, and FILMLESS_DICOM_PASSCODE where there is one; None if unset."""
    user = environment.get(USER)
    return UserIdentity(user, environment.get(PASSCODE, "")) if user else None
