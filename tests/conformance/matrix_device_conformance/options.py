"""What the suite is told: which homeserver, with whom, and what it may do to it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from matrix_device_conformance import reporting
from matrix_device_conformance.homeserver import Service
from matrix_device_conformance.hooks import HOOKS
from matrix_device_conformance.rows import ROWS
from matrix_device_conformance.selection import UnknownRowError, selected

SERVICE_KEYS = {"token", "token-file", "token-env", "prefix", "sender", "rate-limited"}
RATE_LIMITED = {"yes": True, "no": False}
SENDER = re.compile(r"@[^:]+:.+")


def add_options(parser: pytest.Parser) -> None:
    """Of pytest and of the console script alike."""
    group = parser.getgroup("matrix-devices conformance")
    group.addoption("--base-url", metavar="URL", help="test the homeserver at this URL")
    group.addoption(
        "--server",
        metavar="FILE",
        help="start this server, which takes matrix-devices-server's command line, and test it"
        " (default: env MXD_SERVER)",
    )
    group.addoption(
        "--account",
        action="append",
        metavar="NAME:PASSWORD",
        help="use this account in place of open registration; give two or more"
        " (also env MXD_ACCOUNTS, separated by spaces)",
    )
    group.addoption(
        "--appservice",
        action="append",
        default=[],
        metavar="token=…,prefix=…,sender=@…:…,rate-limited=yes|no",
        help="an application service that the homeserver knows: its token (or token-file=FILE,"
        " token-env=NAME), what the localparts of its namespace begin with, its own user ID; for"
        " all rows give one of each kind",
    )
    group.addoption(
        "--hook",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help=f"how to do what only who runs the homeserver can: {', '.join(HOOKS)}; several times",
    )
    group.addoption(
        "--without",
        action="append",
        default=[],
        metavar="NAME,…",
        help="do not judge these rows (P6), rows that need these capabilities (device_cap), or"
        " these hooks (restart)",
    )
    group.addoption(
        "--rows", metavar="NAME,…", help="look at these only: D8, U (all of a section), clients"
    )
    reporting.add_options(group)


def look_at(config: pytest.Config) -> None:
    """UsageError where something is not as it has to be."""
    for read in (rows, accounts, hooks, services):
        read(config)


def rows(config: pytest.Config) -> Collection[str]:
    """Those that are asked for."""
    names = config.getoption("--rows")
    try:
        return ROWS if names is None else selected(names.split(","))
    except UnknownRowError as error:
        raise pytest.UsageError(f"--rows: {error}") from None


def switched_off(config: pytest.Config) -> set[str]:
    """What `--without` names."""
    names = {name for text in config.getoption("--without") for name in text.split(",")}
    return {name.strip() for name in names if name.strip()}


def accounts(config: pytest.Config) -> list[tuple[str, str]]:
    """Names and passwords, from options or the environment."""
    texts = config.getoption("--account") or os.environ.get("MXD_ACCOUNTS", "").split()
    return [account(text) for text in texts]


def account(text: str) -> tuple[str, str]:
    """`alice:PASSWORD` or `@alice:example.org:PASSWORD`."""
    place = text.find(":", text.find(":") + 1) if text.startswith("@") else text.find(":")
    if place < 1:
        raise pytest.UsageError("--account: expected NAME:PASSWORD, or @NAME:SERVER:PASSWORD")
    return text[:place], text[place + 1 :]


def hooks(config: pytest.Config) -> dict[str, str]:
    """The commands, by the hooks' names."""
    commands = {}
    for text in config.getoption("--hook"):
        name, separator, command = text.partition("=")
        if not separator or not command.strip():
            raise pytest.UsageError("--hook: expected NAME=COMMAND")
        if name not in HOOKS:
            raise pytest.UsageError(f"--hook {name}: there is none; there are {', '.join(HOOKS)}")
        commands[name] = command
    return {name: commands[name] for name in commands if name not in switched_off(config)}


def services(config: pytest.Config) -> list[Service]:
    """The application services, named by their kind."""
    found = [service(text) for text in config.getoption("--appservice")]
    if len({each.name for each in found}) < len(found):
        raise pytest.UsageError("--appservice: one with rate-limited=yes and one with =no, at most")
    return found


def service(text: str) -> Service:
    """One application service."""
    values = dict(pairs(text))
    token = service_token(values)
    is_limited = RATE_LIMITED.get(values.get("rate-limited", ""))
    if not SENDER.fullmatch(values.get("sender", "")) or not values.get("prefix"):
        raise pytest.UsageError("--appservice: prefix=LOCALPART_PREFIX and sender=@NAME:SERVER")
    if is_limited is None:
        raise pytest.UsageError("--appservice: rate-limited=yes or rate-limited=no")
    return Service(
        "limited" if is_limited else "unlimited",
        is_limited,
        as_token=token,
        sender=values["sender"],
        prefix=values["prefix"],
    )


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """KEY=VALUE, separated by commas."""
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if not separator or key not in SERVICE_KEYS:
            raise pytest.UsageError(
                f"--appservice: expected {'=…, '.join(sorted(SERVICE_KEYS))}=…, separated by commas"
            )
        yield key, value


def service_token(values: Mapping[str, str]) -> str:
    """The as_token, wherever it is."""
    if "token-file" in values:
        try:
            return Path(values["token-file"]).read_text().strip()
        except OSError as error:
            raise pytest.UsageError(f"--appservice: token-file: {error}") from None
    token = values.get("token") or os.environ.get(values.get("token-env", ""), "")
    if not token:
        raise pytest.UsageError("--appservice: token=…, token-file=FILE or token-env=NAME")
    return token
