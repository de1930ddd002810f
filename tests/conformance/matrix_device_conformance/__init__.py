"""Asks any Matrix homeserver whether it keeps the rows of device management."""

__version__ = "1.0.0"  # the project's: a test compares it with CMakeLists.txt
