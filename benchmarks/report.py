"""Tables and plots made of figures, put between the marks in docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from benchmarks.figures import METRICS, Figure

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "performance.md"
PLOTS: Final = DOCUMENT.parent / "performance"
_WIDTH, _BAR, _NAMES, _NUMBERS = 720, 26, 190, 110  # pixels


def table(figures: list[Figure]) -> str:
    """One line for each metric, one column for each system; p2pchat with its target."""
    systems = _ordered({figure.system for figure in figures})
    by_place = {(figure.metric, figure.system): figure for figure in figures}
    head = ["metric", *systems, "target", "held"]
    lines = [head, ["---"] * len(head)]
    for name, metric in METRICS.items():
        if not any((name, system) in by_place for system in systems):
            continue
        unit = f", {metric.unit}" if metric.unit not in ("", "ratio") else ""
        ours = by_place.get((name, "p2pchat"))
        held = {None: "", True: "yes", False: "**not yet**"}[ours.is_met if ours else None]
        sign = "≥" if metric.more_is_better else "≤"
        target = "" if metric.target is None else f"{sign} {_number(metric.target, name)}"
        cells = [_cell(by_place.get((name, system))) for system in systems]
        lines.append([metric.title + unit, *cells, target, held])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(figures: list[Figure], metric: str, kind: str = "") -> str:
    """The name of an SVG with a bar for each system, and a tick from its lowest to its highest sample."""
    shown = sorted((f for f in figures if f.metric == metric), key=lambda f: -f.median)
    about = METRICS[metric]
    longest = max(max(figure.values) for figure in shown)
    scale = (_WIDTH - _NAMES - _NUMBERS) / longest if longest else 0
    height = 40 + _BAR * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(about.title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="20" font-weight="600">{escape(about.title)}, {escape(about.unit)}</text>',
    ]
    for place, figure in enumerate(shown):
        y = 34 + place * _BAR
        middle = y + _BAR / 2 - 3
        colour = "#1f6feb" if figure.system == "p2pchat" else "#8b949e"
        low, high = (_NAMES + scale * extreme for extreme in (min(figure.values), max(figure.values)))
        parts += [
            f'<text x="{_NAMES - 8}" y="{middle + 4}" text-anchor="end">{escape(figure.system)}</text>',
            f'<rect x="{_NAMES}" y="{y}" width="{scale * figure.median:.1f}" height="{_BAR - 6}"'
            f' fill="{colour}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#24292f" stroke-width="2"/>',
            f'<text x="{high + 8:.1f}" y="{middle + 4}">{_number(figure.median, metric)}</text>',
        ]
    PLOTS.mkdir(exist_ok=True)
    name = f"{metric}{kind}.svg"
    (PLOTS / name).write_text("\n".join([*parts, "</svg>\n"]))
    return name


def publish(figures: Iterable[Figure], about: dict[str, str], section: str) -> None:
    """Put tables, plots and lines of JSON of a run into the document's `section`."""
    known = list(figures)
    (PLOTS / f"{section}.jsonl").parent.mkdir(exist_ok=True)
    (PLOTS / f"{section}.jsonl").write_text("".join(figure.line() + "\n" for figure in known))
    several = [
        metric
        for metric in METRICS
        if sum(figure.metric == metric for figure in known) > 1 and METRICS[metric].unit
    ]
    plots = [plot(known, metric, "" if section == "limits" else f"-{section}") for metric in several]
    text = [
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
        table(known),
        "",
        *(f"![{name}](performance/{name})" for name in plots),
    ]
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, _, rest = DOCUMENT.read_text().partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n" + "\n".join(text) + f"\n{end}{after}")


def _ordered(systems: set[str]) -> list[str]:
    first = [system for system in ("p2pchat", "raw limit") if system in systems]
    return first + sorted(systems - set(first))


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    low, high = (_number(extreme, figure.metric) for extreme in (min(figure.values), max(figure.values)))
    return f"{_number(figure.median, figure.metric)} ({low} to {high})"


def _number(value: float, metric: str) -> str:
    return f"{value:,.{METRICS[metric].digits}f}"
