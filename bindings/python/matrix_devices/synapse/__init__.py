"""The drop-in for Synapse: its device endpoints, answered by libmatrix_devices.so.

In homeserver.yaml::

    modules:
      - module: matrix_devices.synapse.DeviceModule
        config: {}

See docs/synapse.md.
"""

from .module import DeviceModule

__all__ = ["DeviceModule"]
