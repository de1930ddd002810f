"""What a process has cost: its time on a processor, which others on the machine do not lengthen."""

from __future__ import annotations

import ctypes
import os
import time

_libc = ctypes.CDLL(None)


def processor_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far, those that ended too.

    ProcessLookupError: there is none.
    """
    clock = ctypes.c_int()
    if error := _libc.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, f"process {pid}: {os.strerror(error)}")
    try:
        return time.clock_gettime(clock.value)
    except OSError as error:  # it has just ended
        raise ProcessLookupError(pid) from error
