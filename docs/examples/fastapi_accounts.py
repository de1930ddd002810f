"""Accounts of fastapi_host.py: passwords, logins, and the endpoints that give a client its token.

/versions, and under v3 and r0 /login, /register, /refresh, /logout, /logout/all, /account/whoami:
as much as the device endpoints need. Rows (T1) are those of docs/accounts.md.
"""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi_database import (
    digest_of,
    drop_devices,
    drop_tokens,
    find_device,
    insert_device,
    make_tokens,
    reads,
    settle,
    writes,
)
from starlette.exceptions import HTTPException

from matrix_devices import (
    Credentials,
    Forbidden,
    Limit,
    LimitExceeded,
    LimitRequest,
    MatrixError,
    Refusal,
    Unavailable,
    UnknownDevice,
    UnknownToken,
    UserLocked,
)

PASSWORD, SERVICE, DUMMY = "m.login.password", "m.login.application_service", "m.login.dummy"
VERSIONS = ["r0.6.1", *(f"v1.{minor}" for minor in range(1, 18))]
MAX_BODY_BYTES = 65_536
HASHERS = ThreadPoolExecutor(2, "hash")  # so that a login holds up no list (T7)


def hash_password(password, salt=None):
    salt = salt or secrets.token_bytes(16)
    hashed = hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1)
    return f"{salt.hex()} {hashed.hex()}"


NOBODY = hash_password(secrets.token_hex())  # compared with where there is no account


def is_password(password, kept):
    salt = bytes.fromhex((kept or NOBODY).split()[0])
    return hmac.compare_digest(hash_password(password, salt), kept or NOBODY) and kept is not None


async def hashing(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(HASHERS, function, *arguments)


class Accounts:
    """Users and their logins."""

    def __init__(self, database, server_name, config):
        self.database = database
        self._server_name = server_name
        self._max_devices = config.get("max_devices_per_user", 0)
        self._max_name = config.get("max_display_name_length", 100)

    def user_ids(self, name):
        """Whom a name may mean, as people type it: exactly, else in lower case (T3)."""
        localpart, colon, server = name.removeprefix("@").partition(":")
        if colon and server.lower() != self._server_name.lower():
            return []
        return [f"@{each}:{self._server_name}" for each in (localpart, localpart.lower())]

    @reads
    def find_user(self, database, name):
        query = "SELECT * FROM users WHERE user_id = ?"
        rows = [database.execute(query, (each,)).fetchone() for each in self.user_ids(name)]
        return next((row for row in rows if row is not None), None)

    async def check_password(self, name, password):
        """Whose it is. None: it is wrong, which takes as long for a user who is not there."""
        user = await self.find_user(name)
        is_right = await hashing(is_password, password, user and user["password"])
        return user["user_id"] if is_right and user["state"] != "locked" else None

    async def register(self, name, password=None, *, guest=False, service_id=None):
        """The new user's ID."""
        user_id = next(reversed(self.user_ids(name)), "")
        if not re.fullmatch(r"@[a-z0-9._=/+-]+:.+", user_id) or len(user_id) > 255:
            text = "A user name is made of a-z, 0-9 and ._=-/+. Choose another."
            raise MatrixError(400, "M_INVALID_USERNAME", text)
        hashed = await hashing(hash_password, password) if password else None
        await self._add_user(user_id, hashed, guest, service_id)
        return user_id

    @writes
    def _add_user(self, database, user_id, password, guest, service_id):
        owners = [
            service["id"]
            for service in database.execute("SELECT * FROM services")
            if user_id == service["sender"] or re.match(service["users"], user_id)
        ]
        if (owners and service_id is None) or (service_id is not None and service_id not in owners):
            text = "This name is in the namespaces of an application service, or outside of yours."
            raise MatrixError(400, "M_EXCLUSIVE", text)
        try:
            database.execute(
                "INSERT INTO users (user_id, password, is_guest) VALUES (?, ?, ?)",
                (user_id, password, guest),
            )
        except sqlite3.IntegrityError:
            text = "This user name is taken. Choose another."
            raise MatrixError(400, "M_USER_IN_USE", text) from None

    @writes
    def add_service(self, database, name, as_token, sender, users, rate_limited=True):
        """Make an application service known: its registration, for who reads its file."""
        re.compile(users)  # what is no expression is refused here
        sender_id = f"@{sender}:{self._server_name}"
        database.execute("INSERT OR IGNORE INTO users (user_id) VALUES (?)", (sender_id,))
        database.execute(
            "REPLACE INTO services VALUES (?, ?, ?, ?, ?)",
            (name, digest_of(as_token), sender_id, users, rate_limited),
        )

    @writes
    def set_state(self, database, user_id, state):
        """active, locked or suspended."""
        database.execute("UPDATE users SET state = ? WHERE user_id = ?", (state, user_id))

    @writes
    def log_in(self, database, user_id, device_id=None, name=None, **options):
        """The answer of /login. On a device that is there the tokens of before die."""
        device_id = device_id or secrets.token_hex(5).upper()
        name = name and name[: self._max_name]  # T4
        if find_device(database, user_id, device_id):
            drop_tokens(database, user_id, [device_id])
        elif not insert_device(database, user_id, device_id, name, self._max_devices):
            text = "You have as many devices as are allowed. Sign some out first."
            raise MatrixError(403, "M_USER_LIMIT_EXCEEDED", text)  # T12
        return make_tokens(database, user_id, device_id, **options)

    @writes
    def refresh(self, database, refresh_token):
        """New tokens. The old ones die when one of the new is used (T1)."""
        old = database.execute(
            "SELECT * FROM tokens JOIN users USING (user_id) WHERE refresh = ?",
            (digest_of(refresh_token),),
        ).fetchone()
        if old is None or old["is_spent"]:
            raise UnknownToken(soft_logout=old is not None)  # T2
        if old["state"] == "locked":
            raise UserLocked()
        settle(database, old["id"])
        of_old = {"oauth": old["is_oauth"], "replaces": old["id"]}
        return make_tokens(database, old["user_id"], old["device_id"], refreshable=True, **of_old)

    @writes
    def log_out(self, database, access_token, all_devices):
        """Also with a token that has expired, or of a locked account."""
        token = database.execute(
            "SELECT * FROM tokens WHERE access = ?", (digest_of(access_token),)
        ).fetchone()
        if token is None or token["expires_ms"] == 0:
            raise UnknownToken(soft_logout=token is not None)  # T2
        query = "SELECT device_id FROM devices WHERE user_id = ?"
        every = [row["device_id"] for row in database.execute(query, (token["user_id"],))]
        drop_devices(database, token["user_id"], every if all_devices else [token["device_id"]])


# ---- Endpoints ----


def account_endpoints(accounts, host, *, open_registration):
    """The FastAPI application. `host` has the limits, and says whose a token is."""
    router = APIRouter()

    @router.get("/login")
    async def get_login():
        return {"flows": [{"type": PASSWORD}]}

    @router.post("/login")
    async def post_login(request: Request):
        fields = await fields_of(request)
        if fields.get("type") != PASSWORD:
            raise MatrixError(400, "M_UNKNOWN", "GET /login says which types are known here.")
        identifier = fields.get("identifier") or {"type": "m.id.user", **fields}
        name, password = text_of(identifier, "user"), text_of(fields, "password")
        limit = Limit("login", f"{address_of(request)} {accounts.user_ids(name)[-1:]}", 10, 6000)
        await host.take_limit(None, LimitRequest([limit], 1))  # T5: before it is tried
        user_id = await accounts.check_password(name, password)
        if user_id is None:
            raise MatrixError(403, "M_FORBIDDEN", "The user name or the password is wrong.")
        await host.take_limit(None, LimitRequest([limit], -1))
        return await accounts.log_in(user_id, **login_options(fields))

    @router.post("/register")
    async def register(request: Request):
        fields = await fields_of(request)
        if fields.get("type") == SERVICE:
            service = await host.authenticate(credentials_of(request))
            if service.service_id is None:
                raise UnknownToken()
            name = text_of(fields, "username")
            user_id = await accounts.register(name, service_id=service.service_id)
        elif not open_registration:
            raise MatrixError(403, "M_FORBIDDEN", "Registration is closed here.")
        elif request.query_params.get("kind") == "guest":
            user_id = await accounts.register(f"guest-{secrets.token_hex(8)}", guest=True)
            fields = {}
        elif not fields.get("auth") or text_of(fields["auth"], "type") != DUMMY:
            challenge = {"flows": [{"stages": [DUMMY]}], "params": {}}
            return JSONResponse({**challenge, "session": secrets.token_urlsafe()}, 401)
        else:
            made_up = {"username": f"user-{secrets.token_hex(8)}"}
            name, password = text_of(made_up | fields, "username"), text_of(fields, "password")
            user_id = await accounts.register(name, password)
        if fields.get("inhibit_login") is True:
            return {"user_id": user_id}
        return await accounts.log_in(user_id, **login_options(fields))

    @router.post("/refresh")
    async def refresh(request: Request):
        return await accounts.refresh(text_of(await fields_of(request), "refresh_token"))

    @router.post("/logout")
    async def log_out(request: Request):
        await accounts.log_out(credentials_of(request).access_token, all_devices=False)
        return {}

    @router.post("/logout/all")
    async def log_out_all(request: Request):
        await accounts.log_out(credentials_of(request).access_token, all_devices=True)
        return {}

    @router.get("/account/whoami")
    async def whoami(request: Request):
        principal = await host.authenticate(credentials_of(request))
        answer = {"user_id": principal.user_id, "is_guest": principal.guest}
        return answer | ({"device_id": principal.device_id} if principal.device_id else {})

    api = FastAPI(openapi_url=None)
    for version in ("v3", "r0"):
        api.include_router(router, prefix=f"/_matrix/client/{version}")
    api.add_api_route("/_matrix/client/versions", lambda: {"versions": VERSIONS})
    api.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
    )
    api.add_exception_handler(Refusal, answer_to)
    api.add_exception_handler(HTTPException, answer_to_unknown)
    return api


def answer_to(_request, refusal):
    """What a client gets for a refusal."""
    match refusal:
        case MatrixError():
            body = {"errcode": refusal.errcode, "error": refusal.text, **refusal.extra}
            return JSONResponse(body, refusal.status)
        case UnknownToken() | UserLocked():
            is_locked = isinstance(refusal, UserLocked)
            body = {"errcode": "M_USER_LOCKED" if is_locked else "M_UNKNOWN_TOKEN"}
            body |= {"error": str(refusal), "soft_logout": is_locked or refusal.soft_logout}
            return JSONResponse(body, 401)
        case LimitExceeded():
            body = {"errcode": "M_LIMIT_EXCEEDED", "error": str(refusal)}
            wait = {"Retry-After": str(-(-refusal.retry_after_ms // 1000))}
            return JSONResponse({**body, "retry_after_ms": refusal.retry_after_ms}, 429, wait)
        case Forbidden():
            return JSONResponse({"errcode": "M_FORBIDDEN", "error": str(refusal)}, 403)
        case UnknownDevice():
            return JSONResponse({"errcode": "M_UNKNOWN_DEVICE", "error": str(refusal)}, 400)
        case Unavailable():
            body = {"errcode": "M_UNKNOWN", "error": "Try again in a second."}
            return JSONResponse(body, 503, {"Retry-After": "1"})
    raise refusal


def answer_to_unknown(_request, error):
    body = {"errcode": "M_UNRECOGNIZED", "error": "There is no such endpoint here."}
    return JSONResponse(body, error.status_code, error.headers)


async def fields_of(request):
    """The JSON object of a body."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise MatrixError(413, "M_TOO_LARGE", "The body is too large.")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise MatrixError(400, "M_NOT_JSON", "The body is no JSON.") from None
    if not isinstance(fields, dict):
        raise MatrixError(400, "M_BAD_JSON", "The body is no JSON object.")
    return fields


def address_of(request):
    return request.client.host if request.client else ""


def text_of(fields, name):
    """A member of a JSON object. What can't be UTF-8 (half of a surrogate pair) is no text."""
    value = fields.get(name) if isinstance(fields, dict) else None
    if not isinstance(value, str) or re.fullmatch("|.*[\0\ud800-\udfff].*", value, re.DOTALL):
        raise MatrixError(400, "M_BAD_JSON", f'"{name}" must be text, and not empty.')
    return value


def login_options(fields):
    """Of a body, for Accounts.log_in."""
    options = {"refreshable": fields.get("refresh_token") is True}
    for key, option in (("device_id", "device_id"), ("initial_device_display_name", "name")):
        if fields.get(key):
            options[option] = text_of(fields, key)
    device_id = options.get("device_id", "")
    if len(device_id.encode()) > 255 or re.search(r"[\x00-\x1f\x7f]", device_id):
        text = "A device ID has 255 bytes at most, and no control characters in it."
        raise MatrixError(400, "M_INVALID_PARAM", text)
    return options


def credentials_of(request):
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        text = "Send the access token in the header Authorization: Bearer."
        raise MatrixError(401, "M_MISSING_TOKEN", text)
    query = request.query_params
    user_id, device_id = query.get("user_id"), query.get("device_id")
    return Credentials(token.strip(), user_id, device_id, address_of(request), request)
