"""Our listener at the place that a target file names, for that archive alone (rule Z8)."""

from loadtest.archives.target import Destination, Target
from loadtest.wire import StoreListener, TcpProfile, Timeouts
from loadtest.wire.listener import WRONG_CALLING
from loadtest.wire.settings import ANNOUNCED, DEFAULT_TIMEOUTS


def listener_for(
    target: Target,
    ours: Destination,
    *,
    profile: TcpProfile = TcpProfile.TUNED,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    max_pdu: int = ANNOUNCED,
) -> StoreListener:
    """Takes what is expected, from the target's address and by its AE title. Raises OSError where a port is taken."""
    return StoreListener(
        ours.ae_title,
        ours.host,
        ours.port,
        only_expected=True,
        calling_ae=ours.calling_ae or target.ae_title,
        allowed_hosts=(target.address or target.host,),
        profile=profile,
        timeouts=timeouts,
        max_pdu=max_pdu,
    )


def caller_mend(listener: StoreListener) -> str:
    """What to do where somebody was turned away for his AE title, perhaps the archive itself; "" if nobody was."""
    if not listener.strangers[WRONG_CALLING]:
        return ""
    return (
        f"Our listener turned away who did not call himself {listener.calling_ae!r}: if the archive sends by another "
        "AE title, give it as calling_ae in [[destinations]] of the target file."
    )
