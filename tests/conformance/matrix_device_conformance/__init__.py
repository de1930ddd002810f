"""Asks any Matrix homeserver whether it keeps the rows of device management."""
