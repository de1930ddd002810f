"""``DeviceModule``: what Synapse loads."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from . import compatibility, configuration, routes, servlets, sessions
from .configuration import Configuration
from .host import SynapseHost

if TYPE_CHECKING:
    from synapse.module_api import ModuleApi

logger = logging.getLogger(__name__)


class DeviceModule:
    """Answers the device endpoints of one homeserver.

    Synapse builds it in the main process and in each worker, before these listen. On the reactor's
    thread, as everything here.
    """

    def __init__(self, config: Configuration, api: ModuleApi) -> None:
        try:
            compatibility.check_live(api)
        except compatibility.Incompatible as error:
            _refuse_to_start(str(error))
        self._hs: Any = compatibility.homeserver_of(api)
        settings = config.settings_with(self._hs.config.auth.ui_auth_session_timeout)
        module = config.open(settings, self._hs.get_clock().time_msec)
        has_grace_period = settings["uia"]["grace_period_ms"] > 0
        self._host = SynapseHost(self._hs, has_grace_period=has_grace_period)
        self._engine = servlets.Engine(module, self._host, self._hs.get_reactor())
        servlets.put_in_place()
        servlets.attach(self._hs, self._engine)
        api.delayed_background_call(0, self._started, desc="matrix_devices_started")

    @staticmethod
    def parse_config(config: Any) -> Configuration:
        """Check the part of homeserver.yaml below ``config``. Raises ConfigError."""
        return configuration.parse(config)

    async def _started(self) -> None:
        """Once the process listens: see that it is we who answer, or end it."""
        try:
            await self._host.sessions.prepare()
        except Exception as error:
            _refuse_to_start(f"the table {sessions.TABLE} cannot be made: {error}")
        try:
            listeners = routes.check(self._hs, self._engine)
        except routes.RouteError as error:
            _refuse_to_start(str(error))
        except Exception as error:
            _refuse_to_start(f"cannot see whose the device endpoints are: {error!r}")
        module = self._engine.module
        logger.info(
            "matrix_devices %s (ABI 1.%d, %s) answers the device endpoints (listeners: %d)",
            module.version,
            module.abi_minor,
            module.library_path,
            listeners,
        )


def _refuse_to_start(why: str) -> NoReturn:
    """End the process as Synapse does after an error at its start: sys.exit() would only be
    caught by the reactor."""
    line = f"matrix_devices.synapse: {' '.join(why.split())}"
    logger.critical("%s", line)
    print(line, file=sys.__stderr__, flush=True)
    logging.shutdown()
    os._exit(1)
