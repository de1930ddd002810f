"""Renaming devices in Synapse, and creating them for application services."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any

from synapse.api.errors import NotFoundError
from synapse.logging.context import make_deferred_yieldable
from synapse.util.async_helpers import Linearizer
from twisted.internet.task import deferLater

from .. import DeviceUpdate, LimitExceeded, NotFound, Timeout

if TYPE_CHECKING:
    from synapse.server import HomeServer

logger = logging.getLogger(__name__)

_LOCK = "matrix_devices_create"
_LONGEST_WAIT_S = 10.0
_RETRY_S = 0.05  # about


class Writing:
    """Writes devices of one homeserver's users, from any of its processes."""

    def __init__(self, hs: HomeServer) -> None:
        self._store: Any = hs.get_datastores().main
        self._devices: Any = hs.get_device_handler()
        self._reactor = hs.get_reactor()
        self._creations = Linearizer(_LOCK, clock=hs.get_clock())

    async def rename(self, update: DeviceUpdate) -> None:
        """Give a device that is there another name. Raises NotFound."""
        content = {"display_name": update.display_name}
        try:
            await self._devices.update_device(update.user_id, update.device_id, content)
        except NotFoundError:
            raise NotFound from None

    async def put(self, update: DeviceUpdate) -> bool:
        """Create a device, or rename it; whether it was created. Raises LimitExceeded, Timeout.

        With a cap (P7), creations for one user come one after the other, on all processes.
        """
        if update.max_devices == 0:
            return await self._upsert(update)
        deadline = self._reactor.seconds() + _LONGEST_WAIT_S
        async with (
            self._creations.queue(update.user_id),
            await self._lock(update.user_id, deadline),
        ):
            count = await self._store.count_devices_by_users([update.user_id])
            if count >= update.max_devices and not await self._is_there(update):
                raise LimitExceeded
            return await self._upsert(update)

    async def _lock(self, user_id: str, deadline: float) -> Any:
        """Keep other processes from it. Raises Timeout.

        Synapse's own way to wait for a lock sleeps twice as long, in its older versions, each time
        that somebody else gets it: for minutes where many want it.
        """
        while (lock := await self._store.try_acquire_lock(_LOCK, user_id)) is None:
            if self._reactor.seconds() >= deadline:
                logger.warning(
                    "Another process has been creating a device for %s all the time: gave up after "
                    "%g s. If that process is gone, its lock is free after two minutes",
                    user_id,
                    _LONGEST_WAIT_S,
                )
                raise Timeout
            seconds = _RETRY_S * random.uniform(0.5, 1.5)
            await make_deferred_yieldable(deferLater(self._reactor, seconds))
        return lock

    async def _is_there(self, update: DeviceUpdate) -> bool:
        return await self._store.get_device(update.user_id, update.device_id) is not None

    async def _upsert(self, update: DeviceUpdate) -> bool:
        created: bool = await self._devices.upsert_device(
            update.user_id, update.device_id, update.display_name
        )
        return created
