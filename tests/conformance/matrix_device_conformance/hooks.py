"""What only who runs a homeserver can do to it: lock an account, end a token, restart it.

The server that the suite starts is commanded through the same hooks as one at a URL, whose hooks
are commands of the command line.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping
from typing import Protocol

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.server import Server, ServerError

HOOK_TIMEOUT_S = 60 * TIME_FACTOR
SHOWN_ERROR = 300
# What each does. {url} is the homeserver's, {localpart} is of {user_id}.
HOOKS: Mapping[str, str] = {
    "new-user": "make the account {localpart}, its password comes as a line on standard input;"
    " print its user ID",
    "lock": "lock the account {user_id}",
    "unlock": "unlock it",
    "suspend": "suspend the account {user_id}",
    "unsuspend": "let it go on",
    "expired-token": "print an access token of {user_id} which has expired",
    "oauth-token": "print an access token of {user_id} from the OAuth 2.0 API, for a new device"
    " {device_id}",
    "passwordless-user": "make an account without any way to authenticate; print its user ID,"
    " an access token and its device ID",
    "guest": "make a guest; print its user ID, an access token and its device ID",
    "refuse": "have every request of {user_id} refused by an answer of the homeserver's own;"
    " print the answer's status and its JSON body",
    "accept": "take that back",
    "restart": "restart the homeserver; end when it answers again",
    "configure": "start a homeserver like this one with the module's settings in the JSON file"
    " {file}; print its URL as the first line, and stop it at SIGTERM",
}


class NoSuchHook(NotJudged):
    """The homeserver offers no such thing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"needs the hook {name}, which no --hook gives")


class Hooks(Protocol):
    """What the suite may ask of who runs the homeserver."""

    def offers(self, name: str) -> bool:
        """Whether there is this hook."""

    def call(self, name: str, *, stdin: str = "", **values: str) -> str:
        """Run a hook; what it prints, without white space around it. NotJudged: it did not work."""


class NoHooks:
    """Of a homeserver that nobody here commands."""

    def offers(self, name: str) -> bool:
        """None."""
        return False

    def call(self, name: str, *, stdin: str = "", **values: str) -> str:
        """There is none."""
        raise NoSuchHook(name)


class CommandHooks:
    """Commands with placeholders: `lock` → `mas-cli manage lock-user {localpart}`."""

    def __init__(self, commands: Mapping[str, str]) -> None:
        self.commands = dict(commands)

    def offers(self, name: str) -> bool:
        """Whether there is a command for it."""
        return name in self.commands

    def line(self, name: str, values: Mapping[str, str]) -> list[str]:
        """The command's words. They are split first: no value becomes several, or a shell's."""
        if name not in self.commands:
            raise NoSuchHook(name)
        words = shlex.split(self.commands[name])
        for placeholder, value in values.items():
            words = [word.replace(f"{{{placeholder}}}", value) for word in words]
        return words

    def call(self, name: str, *, stdin: str = "", **values: str) -> str:
        """Run the command."""
        try:
            done = subprocess.run(
                self.line(name, values),
                input=stdin,
                capture_output=True,
                text=True,
                timeout=HOOK_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotJudged(f"the hook {name} is not done within {HOOK_TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise NotJudged(f"the hook {name} cannot be run: {error}") from None
        if done.returncode != 0:
            said = done.stderr.strip()[-SHOWN_ERROR:] or "nothing"
            raise NotJudged(
                f"the hook {name} ended with status {done.returncode} and said {said!r}"
            )
        return done.stdout.strip()


class ServerHooks:
    """The command line of a server that the suite has started."""

    def __init__(self, server: Server, new_service_user: Callable[[], str]) -> None:
        self.server = server
        self.new_service_user = new_service_user  # registers one, who has no password

    def offers(self, name: str) -> bool:
        """All but what no command of it does."""
        return name not in ("refuse", "accept", "guest", "configure")

    def call(self, name: str, *, stdin: str = "", **values: str) -> str:
        """Run the server's command."""
        if not self.offers(name):
            raise NoSuchHook(name)
        if name == "restart":
            self._restart()
            return ""
        if name == "new-user":
            self.server.command("user", "add", values["localpart"], stdin=f"{stdin}\n")
            return f"@{values['localpart']}:{self.server.server_name}"
        if name in ("lock", "unlock", "suspend", "unsuspend"):
            self.server.command("user", name, values["localpart"])
            return ""
        if name == "passwordless-user":
            user_id = self.new_service_user()
            return f"{user_id} {self._token(user_id, '--device', 'ONLY')} ONLY"
        if name == "expired-token":
            return self._token(values["localpart"], "--lifetime", "0s")
        return self._token(values["localpart"], "--oauth", "--device", values["device_id"])

    def _token(self, name: str, *options: str) -> str:
        return self.server.command("token", "issue", name, *options).stdout.strip()

    def _restart(self) -> None:
        """Stop and start it, at the same address."""
        client = self.server.client
        self.server.listen = f"{client.host}:{client.port}"
        self.server.stop()
        self.server.start()
        if self.server.client.base_url != client.base_url:
            raise ServerError(f"started again elsewhere: {self.server.client.base_url}")
        self.server.client = client
