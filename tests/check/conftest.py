"""Databases of each engine."""

pytest_plugins = ["postgres_fixtures"]
