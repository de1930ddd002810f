"""Reading devices out of Synapse's database, in one query where Synapse's handler makes two."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .. import Device, NotFound
from . import compatibility

if TYPE_CHECKING:
    from synapse.server import HomeServer


class Reading:
    """Reads the devices of one homeserver's users, in any of its processes."""

    def __init__(self, hs: HomeServer) -> None:
        self._store: Any = hs.get_datastores().main

    async def list_devices(self, user_id: str) -> list[Device]:
        """All devices of a user, in the order of their IDs (G3)."""
        return await self._select({"user_id": user_id})

    async def get_device(self, user_id: str, device_id: str) -> Device:
        """One of them. Raises NotFound."""
        for device in await self._select({"user_id": user_id, "device_id": device_id}):
            return device
        raise NotFound

    async def _select(self, which: dict[str, Any]) -> list[Device]:
        rows = await self._store.db_pool.simple_select_list(
            table="devices",
            keyvalues={**which, "hidden": False},
            retcols=("device_id", "display_name", "ip", "last_seen"),
            desc="matrix_devices_read",
        )
        unwritten = self._unwritten(which["user_id"])
        return [
            Device(device_id, display_name, *unwritten.get(device_id, (ip, last_seen_ms)))
            for device_id, display_name, ip, last_seen_ms in sorted(rows, key=itemgetter(0))
        ]

    def _unwritten(self, user_id: str) -> dict[str, tuple[str, int]]:
        """From where and when devices were last seen, of what is not in the database yet."""
        found: dict[str, tuple[str, int]] = {}
        connections = compatibility.unwritten_connections(self._store)
        for (seen_user_id, _, ip), (_, device_id, seen_ms) in connections.items():
            if seen_user_id == user_id and device_id is not None:
                latest = found.get(device_id)
                if latest is None or latest[1] < seen_ms:
                    found[device_id] = (ip, seen_ms)
        return found
