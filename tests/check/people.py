"""Who there must be on a homeserver that is checked, made through ``Accounts``."""

from __future__ import annotations

import secrets
from typing import Any

from matrix_devices import Accounts, Credentials, Namespace, Request, Service

SERVER_NAME = "example.org"
SPARES = 3


def settle(host: Accounts, parallel: int = 16) -> dict[str, Any]:
    """Make them; the member ``check`` of the configuration that goes with them."""
    service = Service("bridge", secrets.token_hex(16), "bridge", (Namespace("@_bridge_.*", True),))
    host.add_service(service)
    host.add_user("_bridge_inside", service_id=service.id)
    users = [user(host, name) for name in ("alice", "bob")]
    host.add_user("carol")
    refreshable = host.login("carol", refreshable=True)
    assert refreshable.refresh_token is not None
    refreshed = host.refresh(refreshable.refresh_token)
    # Once the new token is used, the old one is replaced.
    host.identify(Credentials(refreshed.access_token, None, None, "", Request("GET", "/")))
    expired = host.login("carol", lifetime_ms=0).access_token
    host.add_user("dave")
    locked = host.login("dave").access_token
    host.set_locked("dave", True)
    guest = host.login(host.add_user("", guest=True)).access_token
    return {
        "disposable": True,
        "parallel": parallel,
        "users": users,
        "tokens": {
            "expired": expired,
            "replaced": refreshable.access_token,
            "locked": locked,
            "guest": guest,
        },
        "service": {
            "token": service.as_token,
            "inside": f"@_bridge_inside:{SERVER_NAME}",
            "outside": f"@alice:{SERVER_NAME}",
            "unregistered": f"@_bridge_nobody:{SERVER_NAME}",
        },
    }


def user(host: Accounts, name: str) -> dict[str, Any]:
    """An account with a device and three to spare."""
    password = secrets.token_hex(8)
    user_id = host.add_user(name, password)
    devices = []
    for number in range(1 + SPARES):
        login = host.login(name, device_id=f"{name}_Device{number}", display_name="first name")
        devices.append({"device_id": login.device_id, "token": login.access_token})
    return {"user_id": user_id, "password": password, **devices[0], "spares": devices[1:]}
