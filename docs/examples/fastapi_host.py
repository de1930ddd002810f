"""A homeserver on FastAPI, to copy: the device endpoints over a database of its own.

    HOMESERVER_NAME=example.org HOMESERVER_DATABASE=homeserver.db uvicorn fastapi_host:app

DeviceHost is what the module asks: User-Interactive Authentication, limits and application services
included. Logins and what else gives a client its token are in fastapi_accounts.py, the tables in
fastapi_database.py. Any number of processes serve one database (--workers 4). A proxy in front has
TLS, and says who the client is (--proxy-headers). Rows (A5) are those of docs/behaviour.md.
"""

import json
import os
import re

from fastapi_accounts import Accounts, account_endpoints
from fastapi_database import (
    Database,
    digest_of,
    drop_devices,
    find_device,
    insert_device,
    is_due,
    now_ms,
    reads,
    settle,
    writes,
)

import matrix_devices
from matrix_devices import (
    BadData,
    Conflict,
    Device,
    Flow,
    Forbidden,
    Host,
    KeptSession,
    LimitExceeded,
    NotFound,
    Principal,
    Refused,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)


class DeviceHost(Host):
    """What the module asks. Each method is a transaction on a thread beside the event loop."""

    def __init__(self, database, accounts):
        self.database = database
        self._accounts = accounts

    # ---- Who is asking ----

    async def authenticate(self, credentials):
        principal, use = await self._find_principal(credentials)
        if use is not None:
            await self._note_use(*use)
        return principal

    @reads
    def _find_principal(self, database, credentials):
        """Who it is, and what _note_use is to write, if anything."""
        digest = digest_of(credentials.access_token)
        token = database.execute(
            "SELECT * FROM tokens JOIN devices USING (user_id, device_id)"
            " JOIN users USING (user_id) WHERE access = ?",
            (digest,),
        ).fetchone()
        if token is None:
            return self._find_service(database, digest, credentials)
        if token["expires_ms"] is not None and token["expires_ms"] <= now_ms():
            raise UnknownToken(soft_logout=True)  # A4a, A5
        if token["state"] == "locked":
            raise UserLocked()
        principal = Principal(
            token["user_id"],
            token["device_id"],
            guest=bool(token["is_guest"]),
            oauth=bool(token["is_oauth"]),
            validated_ms=token["validated_ms"],
        )
        if token["replaces"] is None and not is_due(token):
            return principal, None
        return principal, (principal, credentials.remote_addr, token["id"])

    def _find_service(self, database, digest, credentials):
        """The same for the token of an application service, which acts as one of its users."""
        service = database.execute(
            "SELECT * FROM services WHERE as_token = ?", (digest,)
        ).fetchone()
        if service is None:
            raise UnknownToken()  # A4
        user_id = service["sender"] if credentials.user_id is None else credentials.user_id
        is_sender = user_id == service["sender"]
        user = database.execute("SELECT * FROM users WHERE user_id = ?", (user_id,)).fetchone()
        if user is None or not (is_sender or re.match(service["users"], user_id)):
            raise Forbidden()  # A11
        if user["state"] == "locked":
            raise UserLocked()
        principal = Principal(
            user_id,
            credentials.device_id,
            token_id=service["id"],
            service_id=service["id"],
            unlimited=is_sender or not service["rate_limited"],  # P6
        )
        if credentials.device_id is None:
            return principal, None
        device = find_device(database, user_id, credentials.device_id)
        if device is None:
            raise UnknownDevice()  # A13
        return principal, (principal, credentials.remote_addr) if is_due(device) else None  # A12

    @writes
    def _note_use(self, database, principal, address, token_id=None):
        database.execute(
            "UPDATE devices SET last_seen_ms = ?,"
            " last_seen_ip = coalesce(nullif(?, ''), last_seen_ip)"
            " WHERE user_id = ? AND device_id = ?",
            (now_ms(), address, principal.user_id, principal.device_id),
        )
        settle(database, token_id)

    # ---- Devices ----

    @reads
    def list_devices(self, database, principal, query):
        rows = database.execute("SELECT * FROM devices WHERE user_id = ?", (query.user_id,))
        return [_device_of(row) for row in rows]

    @reads
    def get_device(self, database, principal, key):
        row = find_device(database, key.user_id, key.device_id)
        if row is None:
            raise NotFound()
        return _device_of(row)

    @writes
    def rename_device(self, database, principal, update):
        if not _rename(database, update):
            raise NotFound()

    @writes
    def put_device(self, database, principal, update):
        if _rename(database, update):
            return False
        name, most = update.display_name, update.max_devices
        if not insert_device(database, update.user_id, update.device_id, name, most):
            raise LimitExceeded()  # P7
        return True

    @writes
    def delete_devices(self, database, principal, deletion):
        drop_devices(database, deletion.user_id, deletion.device_ids)

    @writes
    def mark_validated(self, database, principal, validation):
        database.execute(
            "UPDATE devices SET validated_ms = ? WHERE user_id = ? AND device_id = ?",
            (validation.validated_ms, validation.user_id, validation.device_id),
        )

    # ---- User-Interactive Authentication ----

    @reads
    def uia_flows(self, database, principal, operation):
        user = database.execute(
            "SELECT password FROM users WHERE user_id = ?", (operation.user_id,)
        ).fetchone()
        return [Flow(("m.login.password",))] if user and user["password"] else []  # U17

    @writes
    def uia_create_session(self, database, principal, session):
        begun_with = session.device_id or f"token {session.token_id}"
        database.execute("DELETE FROM uia_sessions WHERE expires_ms <= ?", (now_ms(),))
        database.execute(  # U25: so that there is room for this one
            "DELETE FROM uia_sessions WHERE created IN ("
            " SELECT created FROM uia_sessions WHERE user_id = :user_id ORDER BY"
            " CASE WHEN finished THEN 2 WHEN begun_with = :begun_with THEN 0 ELSE 1 END, created"
            " LIMIT max(0, 1 - :most +"
            " (SELECT count(*) FROM uia_sessions WHERE user_id = :user_id)))",
            {"user_id": session.user_id, "begun_with": begun_with, "most": session.max_live},
        )
        row = (session.user_id, begun_with, session.expires_ms, session.state)
        database.execute(
            "INSERT INTO uia_sessions (id, user_id, begun_with, expires_ms, state)"
            " VALUES (?, ?, ?, ?, ?)",
            (digest_of(session.proposed_id), *row),
        )

    @reads
    def uia_load_session(self, database, principal, key):
        row = database.execute(
            "SELECT state, revision FROM uia_sessions WHERE id = ? AND expires_ms > ?",
            (digest_of(key.session_id), now_ms()),
        ).fetchone()
        if row is None:
            raise NotFound()
        return KeptSession(row["state"], row["revision"])

    @writes
    def uia_replace_session(self, database, principal, replacement):
        changed = database.execute(  # the only place where two requests meet (U26)
            "UPDATE uia_sessions SET state = ?, expires_ms = ?, finished = ?,"
            " revision = revision + 1 WHERE id = ? AND revision = ?",
            (
                *(replacement.state, replacement.expires_ms, replacement.finished),
                *(digest_of(replacement.session_id), replacement.revision),
            ),
        )
        if changed.rowcount == 0:
            raise Conflict()

    async def uia_check(self, principal, attempt):
        if attempt.user is None and attempt.address is None:
            raise BadData("auth.identifier must be of the type m.id.user")
        # An address is nobody's here, which takes as long to say as that a user is not there.
        user_id = await self._accounts.check_password(attempt.user or "", attempt.password or "")
        if user_id is None:
            raise Refused("Wrong user name or password.")
        return user_id

    # ---- Limits ----

    @writes
    def take_limit(self, database, principal, request):
        now, after, wait_ms = now_ms(), [], 0
        for limit in request.limits:
            kept = database.execute(
                "SELECT full_at_ms FROM buckets WHERE name = ? AND key = ?", (limit.name, limit.key)
            ).fetchone()
            most = limit.burst * limit.interval_ms
            # At most `most` away, so that a clock that was set back silences nobody.
            full_at_ms = min(max(kept["full_at_ms"] if kept else now, now), now + most)
            full_at_ms += request.units * limit.interval_ms
            after.append((limit.name, limit.key, full_at_ms))
            wait_ms = max(wait_ms, full_at_ms - now - most)
        if request.units > 0 and wait_ms > 0:
            raise LimitExceeded(wait_ms)
        database.executemany("REPLACE INTO buckets VALUES (?, ?, ?)", after)
        database.execute("DELETE FROM buckets WHERE full_at_ms <= ?", (now,))  # full again (L4)


def _device_of(row):
    name, address = row["display_name"], row["last_seen_ip"]
    return Device(row["device_id"], name, address, row["last_seen_ms"])


def _rename(database, update):
    """Whether it is there. No name to set: it stays as it is (P2)."""
    changed = database.execute(
        "UPDATE devices SET display_name = coalesce(?, display_name)"
        " WHERE user_id = ? AND device_id = ?",
        (update.display_name, update.user_id, update.device_id),
    )
    return changed.rowcount == 1


def make_app():
    """The device endpoints around those of the accounts, as the environment says."""
    os.umask(0o077)  # what is in the database is its owner's alone
    server_name = os.environ.get("HOMESERVER_NAME", "example.org")
    config = {  # the module's, docs/configuration.md
        "server_name": server_name,
        "unknown_fields": "null",
        **json.loads(os.environ.get("HOMESERVER_CONFIG", "{}")),
    }
    database = Database(os.environ.get("HOMESERVER_DATABASE", "homeserver.db"))
    accounts = Accounts(database, server_name, config)
    host = DeviceHost(database, accounts)
    may_register = os.environ.get("HOMESERVER_OPEN_REGISTRATION") == "yes"
    others = account_endpoints(accounts, host, open_registration=may_register)
    return matrix_devices.asgi.app(host, wrapped=others, config=config)


app = make_app()
