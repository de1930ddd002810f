"""Runs the suite out of this folder, as the console script runs it where it is installed."""

pytest_plugins = ["matrix_device_conformance.plugin"]
