"""Figures as pictures (SVG): bars of one metric for each system, and curves over a size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, about

PLOTS: Final = Path(__file__).parents[1] / "docs" / "performance"
Curve = Sequence[tuple[float, float]]

_WIDTH, _BAR, _NAMES, _NUMBERS = 720, 26, 190, 110  # pixels
_HEIGHT, _EDGE = 320, 60
_OURS: Final = "#1f6feb"
_COLOURS: Final = ("#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a")


def bars(figures: list[Figure], metric: str, name: str) -> str:
    """A bar for each system, and a tick from its lowest to its highest sample; the name of the file."""
    shown = sorted((f for f in figures if f.metric == metric), key=lambda f: -f.median)
    longest = max(max(figure.values) for figure in shown)
    scale = (_WIDTH - _NAMES - _NUMBERS) / longest if longest else 0
    parts = []
    for place, figure in enumerate(shown):
        y = 34 + place * _BAR
        middle = y + _BAR / 2 - 3
        colour = _OURS if figure.system == "p2pchat" else "#8b949e"
        low, high = (_NAMES + scale * extreme for extreme in (min(figure.values), max(figure.values)))
        parts += [
            f'<text x="{_NAMES - 8}" y="{middle + 4}" text-anchor="end">{escape(figure.system)}</text>',
            f'<rect x="{_NAMES}" y="{y}" width="{scale * figure.median:.1f}" height="{_BAR - 6}"'
            f' fill="{colour}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#24292f" stroke-width="2"/>',
            f'<text x="{high + 8:.1f}" y="{middle + 4}">{number(figure.median, metric)}</text>',
        ]
    title = f"{about(metric).title}, {about(metric).unit}"
    return _write(name, title, 40 + _BAR * len(shown), parts)


def curves(series: Mapping[str, Curve], title: str, name: str) -> str:
    """A line for each series over a size, both axes logarithmic; the name of the file."""
    xs = sorted({x for curve in series.values() for x, _ in curve})
    ys = [y for curve in series.values() for _, y in curve]
    right, bottom = _WIDTH - _NAMES, _HEIGHT - 40
    parts = [f'<path d="M{_EDGE} 36V{bottom}H{right}" fill="none" stroke="#8b949e"/>']

    def place(x: float, y: float) -> tuple[float, float]:
        across = _share(x, xs[0], xs[-1])
        return _EDGE + 20 + across * (right - _EDGE - 40), bottom - 12 - _share(y, min(ys), max(ys)) * (
            bottom - 60
        )

    for x in xs:
        parts.append(
            f'<text x="{place(x, min(ys))[0]:.1f}" y="{bottom + 18}" text-anchor="middle">{x:,.0f}</text>'
        )
    for extreme in sorted({min(ys), max(ys)}):
        height = place(xs[0], extreme)[1]
        parts.append(f'<text x="{_EDGE - 6}" y="{height + 4:.1f}" text-anchor="end">{extreme:,.4g}</text>')
    others = iter(_COLOURS * 4)
    ends: list[float] = []
    for system, curve in sorted(series.items(), key=lambda one: -one[1][-1][1]):
        colour = _OURS if system == "p2pchat" else next(others)
        points = [place(x, y) for x, y in curve]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        end = max(points[-1][1], ends[-1] + 15 if ends else 0.0)  # names do not cover each other
        ends.append(end)
        parts += [
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points),
            f'<text x="{right + 8}" y="{end + 4:.1f}" fill="{colour}">{escape(system)}</text>',
        ]
    return _write(name, title, _HEIGHT, parts)


def number(value: float, metric: str) -> str:
    """A value with as many digits as its metric has."""
    return f"{value:,.{about(metric).digits}f}"


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low) if high > low else 0.5


def _write(name: str, title: str, height: int, parts: list[str]) -> str:
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="20" font-weight="600">{escape(title)}</text>',
    ]
    PLOTS.mkdir(exist_ok=True)
    (PLOTS / name).write_text("\n".join([*head, *parts, "</svg>\n"]))
    return name
