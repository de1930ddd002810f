"""What requests cost, counted: beside the budgets, which a test keeps (counting/budgets.py)."""

from __future__ import annotations

from counting.budgets import count, judge
from parts.figures import Figure, Progress
from parts.site import Build


def measure(build: Build, progress: Progress) -> list[Figure]:
    """Instructions, allocations and system calls a request."""
    progress("counting instructions, allocations and system calls")
    return [
        Figure(
            "counted",
            f"{verdict.request}, {verdict.way}: {verdict.kind}",
            "",
            "its budget",
            [verdict.count],
            [verdict.budget],
        )
        for verdict in judge(build, count(build))
    ]
