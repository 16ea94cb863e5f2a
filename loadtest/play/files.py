"""File descriptors of a play, before its clock starts: each connection needs one."""

import fcntl
import os
import resource

MOST = 65_536  # as many as there are ports; more would only cost memory


def make_room(devices: int) -> None:
    """Raise this process's own limit as far as it may be, and have the kernel's table of them grow now.

    Linux doubles the table when it is full and makes a process with threads wait for that, 10 to 18 ms in `connect`
    at 256, 512, ... connections; with 1,500 devices that was the whole lag. It never shrinks again.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    likely = min(most, max(4096, 4 * devices))
    with open(os.devnull) as any_file:
        os.close(fcntl.fcntl(any_file, fcntl.F_DUPFD_CLOEXEC, likely - 1))
