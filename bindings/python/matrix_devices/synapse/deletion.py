"""Deleting devices in Synapse: tokens first, then all that goes with a device."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from synapse.handlers.device import DeviceWriterHandler
from synapse.util.async_helpers import delay_cancellation
from synapse.util.iterutils import batch_iter

from . import compatibility
from .signatures import Signatures

if TYPE_CHECKING:
    from synapse.server import HomeServer

    from .sessions import Sessions

_BATCH = 1000  # IDs in one statement, as in Synapse's own deletion


class Deleting:
    """Deletes devices of one homeserver's users, from any of its processes."""

    def __init__(self, hs: HomeServer, sessions: Sessions) -> None:
        self._store: Any = hs.get_datastores().main
        self._auth_handler = hs.get_auth_handler()
        self._devices = hs.get_device_handler()
        self._sessions = sessions
        self._signatures = Signatures(hs)
        # The time that Synapse takes to write down the change grows with the square of the number:
        # so go batch by batch, where this process writes it. Others wait for the one that does,
        # which takes longer than all the rest: so once.
        self._tells_of_it_here = isinstance(self._devices, DeviceWriterHandler)
        self._tokens_stay_cached = compatibility.leaves_refreshable_tokens_cached(
            compatibility.synapse_version()
        )

    async def delete(self, user_id: str, device_ids: Sequence[str]) -> None:
        """Delete those of these devices that are the user's. Not broken off by a cancel.

        The others are left out, since Synapse would notify everybody of their end too (D9, D12).
        Several transactions: the same call again finishes what a crash left (D13).
        """
        present = await self._present(user_id, device_ids)
        await delay_cancellation(self._delete(user_id, present, device_ids))

    async def _present(self, user_id: str, device_ids: Sequence[str]) -> list[str]:
        """Those that are there, and those whose deletion a crash has broken off after the device
        itself: Synapse's goes on with its pushers and messages."""
        present = await self._in("devices", device_ids, {"user_id": user_id, "hidden": False})
        others = set(device_ids) - present
        for table, user_column in (("pushers", "user_name"), ("device_inbox", "user_id")):
            if others:
                left = await self._in(table, others, {user_column: user_id})
                present |= left
                others -= left
        return sorted(present)

    async def _in(
        self, table: str, device_ids: Collection[str], keyvalues: dict[str, Any]
    ) -> set[str]:
        rows = await self._store.db_pool.simple_select_many_batch(
            table=table,
            column="device_id",
            iterable=device_ids,
            retcols=("device_id",),
            keyvalues=keyvalues,
            desc="matrix_devices_present",
            batch_size=_BATCH,
        )
        return {device_id for (device_id,) in rows}

    async def _delete(self, user_id: str, present: list[str], device_ids: Sequence[str]) -> None:
        if present:
            await self._delete_tokens(user_id, present)
            await self._sessions.end(user_id, present)
            # Before the device: else, after a crash in between, the next device with this ID would
            # be trusted.
            await self._signatures.delete(user_id, present)
            await self._delete_devices(user_id, present)
        # Also what was signed until the device was gone.
        await self._signatures.delete(user_id, device_ids)

    async def _delete_tokens(self, user_id: str, device_ids: list[str]) -> None:
        if self._tokens_stay_cached:
            tokens = await self._refreshable_tokens(user_id, device_ids)
            await self._auth_handler.delete_access_tokens_for_devices(user_id, device_ids)
            await self._forget(tokens)
        else:
            await self._auth_handler.delete_access_tokens_for_devices(user_id, device_ids)

    async def _delete_devices(self, user_id: str, device_ids: list[str]) -> None:
        for batch in batch_iter(device_ids, _BATCH if self._tells_of_it_here else len(device_ids)):
            await self._devices.delete_devices(user_id, batch)

    async def _refreshable_tokens(self, user_id: str, device_ids: list[str]) -> list[str]:
        rows = await self._store.db_pool.simple_select_many_batch(
            table="access_tokens",
            column="device_id",
            iterable=device_ids,
            retcols=("token", "refresh_token_id"),
            keyvalues={"user_id": user_id},
            desc="matrix_devices_refreshable_tokens",
            batch_size=_BATCH,
        )
        return [token for token, refresh_token_id in rows if refresh_token_id is not None]

    async def _forget(self, tokens: list[str]) -> None:
        """In the caches of all processes."""
        if tokens:
            await self._store.db_pool.runInteraction(
                "matrix_devices_forget_tokens",
                compatibility.forget_tokens_txn,
                self._store,
                tokens,
            )
