"""The drop-in for Synapse: its device endpoints, answered by libmatrix_devices.so.

In homeserver.yaml:

    modules:
      - module: matrix_devices.synapse.DeviceModule
        config: {}

See docs/synapse.md.
"""

from synapse.module_api.errors import ConfigError

from . import compatibility

try:
    compatibility.check_imported()
except compatibility.Incompatible as error:
    raise ConfigError(str(error), ("modules",)) from None

# The rest imports what was looked for.
from .module import DeviceModule

__all__ = ["DeviceModule"]
