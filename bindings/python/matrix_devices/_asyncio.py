"""How an asyncio loop learns of what happened on another thread."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable
from typing import ClassVar

from ._core import Wakeup

__all__ = ["LoopWakeup"]


class LoopWakeup:
    """A wakeup that an event loop watches: one a loop, as long as the loop."""

    _of_loops: ClassVar[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopWakeup]] = (
        weakref.WeakKeyDictionary()
    )

    def __init__(self) -> None:
        """Use ``of_running_loop``."""
        self._wakeup = Wakeup()
        self._keys = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @classmethod
    def of_running_loop(cls) -> LoopWakeup:
        """The one of the loop that runs on this thread."""
        loop = asyncio.get_running_loop()
        wakeup = cls._of_loops.get(loop)
        if wakeup is None:
            wakeup = cls._of_loops[loop] = cls()
            loop.add_reader(wakeup._wakeup.fileno(), wakeup._drain)
        return wakeup

    async def wait_for(self, register: Callable[[Wakeup, int], bool]) -> None:
        """Wait until what ``register`` left its key with has come about; False: it has already."""
        key = next(self._keys)
        future = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            if register(self._wakeup, key):
                await future
        finally:
            del self._waiting[key]

    def _drain(self) -> None:
        for key in self._wakeup.drain():
            future = self._waiting.get(key)
            if future is not None and not future.done():
                future.set_result(None)
