"""Signatures of cross-signing, which go with the device that they are about (D12).

Synapse leaves them in its database. A later device of the same ID would be shown as verified, by a
signature over keys that are gone, and the right one would be dropped as known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synapse.util.iterutils import batch_iter

from . import compatibility

if TYPE_CHECKING:
    from synapse.server import HomeServer

_TABLE = "e2e_cross_signing_signatures"
_BATCH = 1000  # values in one statement


class Signatures:
    """Deletes signatures of one homeserver's users. Any process may: the table has no writer of its
    own, and the caches over it are told on all of them."""

    def __init__(self, hs: HomeServer) -> None:
        self._store: Any = hs.get_datastores().main
        self._db: Any = self._store.db_pool

    async def delete(self, user_id: str, device_ids: Iterable[str]) -> None:
        """Delete what signs these devices of the user, and what they signed of the user's keys."""
        await self._db.runInteraction(
            "matrix_devices_delete_signatures", self._delete_txn, user_id, frozenset(device_ids)
        )

    def _delete_txn(self, txn: Any, user_id: str, device_ids: frozenset[str]) -> None:
        # Synapse keeps the public parts of cross-signing keys among the devices: they are none.
        keys = self._db.simple_select_list_txn(
            txn, "devices", {"user_id": user_id, "hidden": True}, ("device_id",)
        )
        gone = device_ids - {key for (key,) in keys}
        own = {"user_id": user_id, "target_user_id": user_id}  # nobody signs devices of others
        rows = self._db.simple_select_list_txn(txn, _TABLE, own, ("target_device_id", "key_id"))
        signed = sorted({device_id for device_id, _ in rows} & gone)
        made = sorted({key_id for _, key_id in rows if _device_of(key_id) in gone})
        for column, values in (("target_device_id", signed), ("key_id", made)):
            for batch in batch_iter(values, _BATCH):
                self._db.simple_delete_many_txn(txn, _TABLE, column, batch, own)
        compatibility.forget_signatures_txn(txn, self._store, user_id, signed)


def _device_of(key_id: str) -> str:
    """``DEVICE`` of ``ed25519:DEVICE``."""
    return key_id.partition(":")[2]
