"""Keys of devices and of cross-signing, as clients make them: real ones, that sign and verify."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts import expect_ok
from matrix_device_conformance.homeserver import Device, User

Keys = dict[str, Any]


class SigningKey:
    """An Ed25519 key; `version` is its name behind `ed25519:`, by default its public part."""

    def __init__(self, version: str | None = None) -> None:
        self._private = Ed25519PrivateKey.generate()
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = _unpadded(raw)
        self.id = f"ed25519:{version or self.public}"

    def sign(self, user_id: str, signed: Keys) -> Keys:
        """A copy with this signature beside those that it has."""
        signature = _unpadded(self._private.sign(_canonical(signed)))
        signatures = {user: dict(of_user) for user, of_user in signed.get("signatures", {}).items()}
        signatures.setdefault(user_id, {})[self.id] = signature
        return {**signed, "signatures": signatures}

    def has_signed(self, user_id: str, signed: Keys) -> bool:
        """Whether the signature of this key is there, and right."""
        signature = signed.get("signatures", {}).get(user_id, {}).get(self.id)
        if signature is None:
            return False
        public = Ed25519PublicKey.from_public_bytes(_bytes(self.public))
        try:
            public.verify(_bytes(signature), _canonical(signed))
        except InvalidSignature:
            return False
        return True


class DeviceKeys:
    """The identity of a device, uploaded."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.signing = SigningKey(device.device_id)
        user_id = device.user.user_id
        self.keys = self.signing.sign(
            user_id,
            {
                "user_id": user_id,
                "device_id": device.device_id,
                "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                "keys": {
                    self.signing.id: self.signing.public,
                    f"curve25519:{device.device_id}": SigningKey().public,
                },
            },
        )
        uploaded = device.request("POST", "/keys/upload", json={"device_keys": self.keys})
        expect_ok("upload of a device's keys", uploaded)


class CrossSigning:
    """The cross-signing keys of a user, uploaded by one of the devices."""

    def __init__(self, device: Device) -> None:
        self.user: User = device.user
        self.master, self.self_signing = SigningKey(), SigningKey()
        self.master_keys = self._keys(self.master, "master")
        body = {
            "master_key": self.master_keys,
            "self_signing_key": self.master.sign(
                self.user.user_id, self._keys(self.self_signing, "self_signing")
            ),
            "auth": self.user.auth(),
        }
        uploaded = device.request("POST", "/keys/device_signing/upload", json=body)
        expect_ok("upload of cross-signing keys", uploaded)

    def _keys(self, key: SigningKey, usage: str) -> Keys:
        return {"user_id": self.user.user_id, "usage": [usage], "keys": {key.id: key.public}}

    def verify(self, device: Device, keys: DeviceKeys) -> None:
        """Sign the device's keys, as its user does who has compared them; `device` uploads it."""
        signed = self.self_signing.sign(self.user.user_id, keys.keys)
        upload_signature(device, keys.device.device_id, signed)

    def be_signed_by(self, keys: DeviceKeys) -> None:
        """Let a device sign the master key, as each does that has verified it."""
        signed = keys.signing.sign(self.user.user_id, self.master_keys)
        upload_signature(keys.device, self.master.public, signed)


def upload_signature(device: Device, target_id: str, signed: Keys) -> None:
    """Upload a signature over one of the user's own devices or keys."""
    body = {device.user.user_id: {target_id: signed}}
    answer = device.request("POST", "/keys/signatures/upload", json=body)
    failures = expect_ok("upload of signatures", answer)["failures"]
    assert failures == {}, failures


def query(device: Device) -> tuple[dict[str, Keys], Keys]:
    """What `/keys/query` tells of the user's devices, by ID, and of the master key."""
    user_id = device.user.user_id
    answer = device.request("POST", "/keys/query", json={"device_keys": {user_id: []}})
    found = expect_ok("/keys/query", answer)
    return found["device_keys"].get(user_id, {}), found["master_keys"].get(user_id, {})


def _canonical(signed: Keys) -> bytes:
    bare = {key: value for key, value in signed.items() if key not in ("signatures", "unsigned")}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _bytes(unpadded: str) -> bytes:
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4))
