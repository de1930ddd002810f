"""What is measured: two figures of one run, and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One thing, measured on ours and on what it is compared with, in rounds that alternate."""

    part: str  # "in process", "stores", "server", …
    name: str  # "GET list, 64 connections: processor time a request"
    unit: str  # "ns", "µs", "/s", "MB"
    compared_with: str  # "the bare Beast server"
    ours: list[float] = field(default_factory=list)  # a value a round
    theirs: list[float] = field(default_factory=list)
    x: float | None = None  # where on a curve: connections, devices
    curve: str = ""  # which curve it is a point of
    at_most: float | None = None  # what the ratio may be
    at_least: float | None = None

    @property
    def median(self) -> float:
        """Of ours."""
        return statistics.median(self.ours)

    @property
    def their_median(self) -> float | None:
        """Of what it is compared with."""
        return statistics.median(self.theirs) if self.theirs else None

    @property
    def ratio(self) -> float | None:
        """Ours to theirs: the median over the rounds of each round's ratio."""
        ratios = self.ratios
        return statistics.median(ratios) if ratios else None

    @property
    def bound(self) -> str:
        """What the ratio may be, in words; empty: anything."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else ""

    @property
    def is_out_of_bounds(self) -> bool:
        """Whether the ratio is not what it may be."""
        ratio = self.ratio
        if ratio is None:
            return False
        too_high = self.at_most is not None and ratio > self.at_most
        return too_high or (self.at_least is not None and ratio < self.at_least)

    @property
    def ratios(self) -> list[float]:
        """A ratio a round."""
        pairs = zip(self.ours, self.theirs, strict=False)
        return [ours / theirs for ours, theirs in pairs if theirs]


Progress = Callable[[str], None]
