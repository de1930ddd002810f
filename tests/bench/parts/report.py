"""The report: Markdown to read, JSON for programs, a plot a curve."""

from __future__ import annotations

import json
import platform
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from parts.figures import Figure

UNITS = {
    "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs")],
    "µs": [(1e6, "s"), (1e3, "ms")],
}


def shown(value: float, unit: str) -> str:
    """A value with three digits and the unit that suits it."""
    for size, larger in UNITS.get(unit, []):
        if value >= size:
            value, unit = value / size, larger
            break
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return digits + (unit if unit == "/s" else f" {unit}" if unit else "")


def machine() -> str:
    """What it was measured on."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = sum(
        line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines()
    )
    return f"{cores} cores, {model}, Linux {platform.release()}"


def markdown(figures: list[Figure], commit: str) -> str:
    """A table a part."""
    lines = [
        "# What it costs, beside what it is compared with",
        "",
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {commit}, {machine()}.",
        "",
        "Both figures of a line are of the same run, in rounds that alternate; the ratio is the"
        " median of the rounds' ratios, and stands beside the lowest and the highest of them. Where"
        " a lower figure is better a ratio under 1 is in our favour; throughput is the other way"
        " round.",
    ]
    parts: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        parts[figure.part].append(figure)
    for part, found in parts.items():
        lines += [
            "",
            f"## {part[0].upper()}{part[1:]}",
            "",
            "| what | ours | beside | theirs | ratio | rounds | bound |",
            "|---|---:|---|---:|---:|---:|---|",
        ]
        for figure in found:
            theirs, ratio = figure.their_median, figure.ratio
            ratios = figure.ratios
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
            cells = [
                figure.name,
                shown(figure.median, figure.unit),
                figure.compared_with,
                "" if theirs is None else shown(theirs, figure.unit),
                "" if ratio is None else f"{ratio:.2f}",
                spread,
                figure.bound + (", MISSED" if figure.is_out_of_bounds else ""),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def across_what(point: Figure) -> str:
    """What a curve's x counts."""
    if point.part == "growth" or "by devices" in point.curve:
        return "devices"
    return "servers" if "by servers" in point.curve else "connections"


def plot_curves(figures: list[Figure], folder: Path) -> list[str]:
    """A picture a curve, SVG and PNG; their names."""
    curves: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.curve:
            curves[f"{figure.part}: {figure.curve}"].append(figure)
    names = []
    for title, points in curves.items():
        if len(points) < 2:
            continue
        points.sort(key=lambda point: point.x or 0)
        picture, axes = plt.subplots(figsize=(7, 4), layout="constrained")
        across = [point.x for point in points]
        axes.plot(across, [point.median for point in points], marker="o", label="ours")
        beside = [point.their_median for point in points]
        # What is compared with the first point of the same curve has no other curve beside it.
        is_beside_first = points[0].compared_with in ("one server", "1,000 devices")
        if all(value is not None for value in beside) and not is_beside_first:
            axes.plot(across, beside, marker="s", linestyle="--", label=points[0].compared_with)
        axes.set_xscale("linear" if "by servers" in points[0].curve else "log")
        heights = [value for line in axes.lines for value in line.get_ydata()]
        if max(heights) > 100 * min(heights) > 0:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_xticks(across, [f"{int(value or 0):,}" for value in across])
        axes.minorticks_off()
        axes.set_xlabel(across_what(points[0]))
        unit = points[0].unit
        axes.yaxis.set_major_formatter(lambda value, _, unit=unit: shown(value, unit))
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.legend()
        name = "".join(letter if letter.isalnum() else "_" for letter in title)
        for kind in ("svg", "png"):
            picture.savefig(folder / f"{name}.{kind}", dpi=120)
        plt.close(picture)
        names.append(name)
    return names


def write(figures: list[Figure], folder: Path, commit: str) -> None:
    """report.md, report.json and the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    names = plot_curves(figures, folder)
    text = markdown(figures, commit)
    if names:
        text += "\n## Curves\n\n" + "\n".join(f"![{name}]({name}.svg)" for name in names) + "\n"
    (folder / "report.md").write_text(text)
    document: dict[str, Any] = {
        "format": 1,
        "commit": commit,
        "machine": machine(),
        "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures],
    }
    (folder / "report.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
