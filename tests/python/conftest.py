"""The pytest plugin under test, also where it is not installed, and pytest's own for plugins."""

from __future__ import annotations

from importlib.metadata import entry_points

pytest_plugins = ["pytester", "postgres_fixtures"]
if not entry_points(group="pytest11", name="pytest_matrix_devices"):
    pytest_plugins.append("pytest_matrix_devices")
