"""Ready hosts that keep everything in memory: ``MemoryHost`` and ``AsyncMemoryHost``."""

from .hosts import AsyncMemoryHost, MemoryHost

__all__ = ["AsyncMemoryHost", "MemoryHost"]
