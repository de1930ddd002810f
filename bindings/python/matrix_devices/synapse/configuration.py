"""The drop-in's part of homeserver.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synapse.module_api.errors import ConfigError

from .. import Error, Module
from . import compatibility

# The optional callbacks that host.py answers.
ANSWERED = ("put_device", "mark_validated")

# Where these differ from the module's own defaults, clients of Synapse rely on it.
DEFAULTS: Mapping[str, Any] = {"path_versions": ["v3", "r0", "unstable"], "unknown_fields": "null"}
UIA_DEFAULTS: Mapping[str, Any] = {"body_binding": "lenient"}

# Synapse forgets what it knows of a session of User-Interactive Authentication after 48 hours.
MAX_SESSION_LIFETIME_MS = 48 * 60 * 60 * 1000
MAX_GRACE_PERIOD_MS = 7 * 24 * 60 * 60 * 1000  # of the module

_OWN_KEYS = ("library", "allow_untested_synapse")


@dataclass(frozen=True)
class Configuration:
    """What an operator set, checked."""

    library: str | None
    """Path of libmatrix_devices.so; ``None``: the one that came with the package."""
    settings: Mapping[str, Any]
    """Of the module: docs/configuration.md."""

    def settings_with(self, session_timeout_ms: int) -> dict[str, Any]:
        """The settings, with defaults for Synapse. `session_timeout_ms`, its
        ``ui_auth.session_timeout``, is the grace period where none is set."""
        grace_ms = min(session_timeout_ms, MAX_GRACE_PERIOD_MS)
        takes_alias = compatibility.takes_device_id_alias(compatibility.synapse_version())
        settings: dict[str, Any] = {**DEFAULTS, "device_id_alias": takes_alias, **self.settings}
        uia = self.settings.get("uia", {})
        if isinstance(uia, Mapping):  # else the module says what is wrong
            settings["uia"] = {"grace_period_ms": grace_ms, **UIA_DEFAULTS, **uia}
        return settings

    def open(self, settings: Mapping[str, Any], now_ms: Callable[[], int] | None = None) -> Module:
        """The module with these settings and this clock.

        Raises LoadError and ConfigurationError, with one line of text.
        """
        return Module.open_stepwise(
            settings, library=self.library, optional=ANSWERED, now_ms=now_ms
        )


def parse(config: Any) -> Configuration:
    """Check the configuration, all of it, so that Synapse says what is wrong and does not start.

    Raises ConfigError with one line of text.
    """
    if not isinstance(config, Mapping):
        raise ConfigError("config must be a mapping; {} gives the defaults")
    _check_version(_boolean(config, "allow_untested_synapse"))
    library = config.get("library")
    if library is not None and not isinstance(library, str):
        raise ConfigError("must be the path of libmatrix_devices.so", ("library",))
    settings = {key: value for key, value in config.items() if key not in _OWN_KEYS}
    configuration = Configuration(library, settings)
    _check_fallback_pages(settings)
    try:
        configuration.open(configuration.settings_with(0)).close()
    except Error as error:
        raise ConfigError(_explain(str(error), settings)) from None
    _check_session_lifetime(settings)
    return configuration


def _check_version(untested_is_allowed: bool) -> None:
    unknown = compatibility.why_unknown(compatibility.synapse_version())
    if unknown is not None and not untested_is_allowed:
        raise ConfigError(unknown)


def _boolean(config: Mapping[str, Any], key: str) -> bool:
    value = config.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError("must be true or false", (key,))
    return value


def _check_fallback_pages(settings: Mapping[str, Any]) -> None:
    if settings.get("fallback_pages"):
        raise ConfigError("leave it out: Synapse serves these pages", ("fallback_pages",))


def _check_session_lifetime(settings: Mapping[str, Any]) -> None:
    lifetime_ms = settings.get("uia", {}).get("session_lifetime_ms", 0)
    if lifetime_ms > MAX_SESSION_LIFETIME_MS:
        rule = f"must be at most {MAX_SESSION_LIFETIME_MS}: Synapse keeps sessions for 48 hours"
        raise ConfigError(rule, ("uia", "session_lifetime_ms"))


def _explain(error: str, settings: Mapping[str, Any]) -> str:
    """The module's line; of an unknown key at the top also name the keys that are ours."""
    of_the_top = any(f'"{key}" is not a known key' in error for key in settings)
    return f"{error}, {', '.join(_OWN_KEYS)}" if of_the_top else error
