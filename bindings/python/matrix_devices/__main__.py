"""``matrix-devices serve|check|version``, which is ``python -m matrix_devices`` too."""

from __future__ import annotations

import argparse
import functools
import json
import logging
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from ._core import __version__, holds_password
from .check import check, describe
from .errors import ConfigurationError, Error, MatrixError
from .memory import MemoryHost
from .module import Module
from .names import UserNames
from .server import AttemptLimits, Server
from .store import StoreHost

_DESCRIPTION = "The Matrix device endpoints: a homeserver to try out, and a self-test."
_EXAMPLES = """\
{program} serve --user alice:secret
{program} check
{program} serve --help"""
_SERVE_EXAMPLES = """\
{program} --user alice:secret
{program} --listen 127.0.0.1:0 --database devices.db --open-registration
{program} --user alice:secret --config '{{"max_devices_per_user": 3}}'"""
_CHECK_EXAMPLES = """\
{program}
{program} /usr/lib/libmatrix_devices.so"""
_VERSION_EXAMPLES = "{program}"
_SERVER_NAME = "example.org"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 for a failure, 2 for a mistake on the command line."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (Error, OSError) as error:
        print(f"matrix_devices: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    # Started as the script matrix-devices, or with python -m.
    script = Path(sys.argv[0]).name
    program = "matrix-devices" if script == "matrix-devices" else "python -m matrix_devices"
    parser = _command_parser(argparse.ArgumentParser, program, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("--version", action="version", version=f"matrix-devices {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def command(name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        make = functools.partial(commands.add_parser, name, help=summary)
        text = f"{summary[0].upper()}{summary[1:]}."
        return _command_parser(make, f"{program} {name}", text, examples)

    serve = command(
        "serve", "run a homeserver of accounts and devices, to try out", _SERVE_EXAMPLES
    )
    serve.add_argument(
        "--listen",
        type=_address,
        default=("127.0.0.1", 8008),
        metavar="ADDRESS:PORT",
        help="where; port 0: any, printed on standard output (default: 127.0.0.1:8008)",
    )
    serve.add_argument(
        "--database",
        metavar="FILE|URL",
        help="SQLite file, made if need be, or URL of a store; without: in memory",
    )
    serve.add_argument(
        "--server-name",
        type=_server_name,
        metavar="NAME",
        help="what stands after the colon of user IDs (default: the database's, else example.org)",
    )
    serve.add_argument(
        "--user",
        action="append",
        default=[],
        type=_account,
        metavar="NAME:PASSWORD",
        help="an account to have; may be repeated",
    )
    serve.add_argument(
        "--open-registration", action="store_true", help="let anybody register accounts and guests"
    )
    serve.add_argument(
        "--config",
        type=_config,
        default={},
        metavar="FILE|JSON",
        help="settings, a file or a JSON object: the module's, and in server.limits this server's",
    )
    _add_library(serve, "--library")
    serve.set_defaults(run=_serve)

    checking = command("check", "load the module, say what it is, and test it", _CHECK_EXAMPLES)
    _add_library(checking, "library", nargs="?")
    checking.set_defaults(run=_check)

    version = command("version", "say the versions of package and module", _VERSION_EXAMPLES)
    _add_library(version, "--library")
    version.set_defaults(run=_version)
    return parser


def _command_parser(
    make: Callable[..., argparse.ArgumentParser], program: str, text: str, examples: str
) -> argparse.ArgumentParser:
    return make(
        prog=program,
        description=text,
        epilog="examples:\n" + textwrap.indent(examples.format(program=program), "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_library(parser: argparse.ArgumentParser, name: str, **settings: Any) -> None:
    parser.add_argument(
        name,
        metavar="LIBRARY",
        help="libmatrix_devices.so (default: $MATRIX_DEVICES_LIBRARY, else the package's own)",
        **settings,
    )


def _serve(options: argparse.Namespace) -> int:
    # Blocked here and in all threads to come: this thread waits for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    limits = _limits(options.config)
    host: MemoryHost | StoreHost
    if options.database is None:
        host = MemoryHost(options.server_name or _SERVER_NAME)
    else:
        host = _open_store(options.database, options.server_name)
    with nullcontext() if isinstance(host, MemoryHost) else closing(host):
        for name, password in options.user:
            _have_user(host, name, password)
        server = Server(
            host,
            options.config,
            options.listen,
            library=options.library,
            open_registration=options.open_registration,
            limits=limits,
        )
        with server:
            print(f"listening on {server.url}", flush=True)
            signal.sigwait(_STOP_SIGNALS)
    return 0


def _open_store(url: str, server_name: str | None) -> StoreHost:
    """The database that is there, or a new one."""
    if holds_password(url):
        raise Error(
            "--database holds a password, which everybody can see in the list of processes: leave "
            "it out, and put it into ~/.pgpass, or a file that PGPASSFILE names"
        )
    try:
        host = StoreHost(url)
    except ConfigurationError:  # it is not there; or the reason comes again
        try:
            return StoreHost(url, server_name=server_name or _SERVER_NAME)
        except ConfigurationError as error:
            raise Error(f"--database: {str(error).removeprefix('StoreHost: ')}") from error
    if server_name not in (None, host.server_name):
        host.close()
        raise Error(
            f"--server-name {server_name}: the database is of {host.server_name}; leave the option "
            "out, or name another --database"
        )
    return host


def _limits(config: dict[str, Any]) -> AttemptLimits | None:
    """Take the server's own settings out of those of the module."""
    settings = config.pop("server", {})
    if not isinstance(settings, dict) or not isinstance(settings.get("limits", {}), dict):
        raise ConfigurationError("--config: server and server.limits must be JSON objects")
    if settings.keys() - {"limits"}:
        raise ConfigurationError("--config: server: this server has no settings but limits")
    return AttemptLimits.of_settings(settings.get("limits", {}))


def _have_user(host: MemoryHost | StoreHost, name: str, password: str) -> None:
    """A database may have the account already: then it gets this password."""
    try:
        host.add_user(name, password)
    except MatrixError as error:
        if error.errcode != "M_USER_IN_USE":
            raise Error(f"--user {name}: {error.text}") from error
        host.set_password(name, password)


def _check(options: argparse.Namespace) -> int:
    return 0 if check(options.library, sys.stdout) else 1


def _version(options: argparse.Namespace) -> int:
    with Module.open(MemoryHost(), library=options.library) as module:
        print(f"package       {__version__}")
        for line in describe(module):
            print(line)
    return 0


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host) != bracketed:
        raise argparse.ArgumentTypeError(
            f"not an address and port such as 127.0.0.1:8008 or [::1]:0: {text}"
        )
    return host.strip("[]"), int(port)


def _server_name(text: str) -> str:
    try:
        return UserNames(text).server_name
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _account(text: str) -> tuple[str, str]:
    """The last colon divides: a full user ID has one of its own."""
    name, colon, password = text.rpartition(":")
    if not colon or not name or not password:
        raise argparse.ArgumentTypeError("give NAME:PASSWORD, such as alice:secret")
    return name, password


def _config(text: str) -> dict[str, Any]:
    try:
        content = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        value = json.loads(content)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("the configuration must be a JSON object")
    return value


if __name__ == "__main__":
    sys.exit(main())
