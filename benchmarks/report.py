"""Tables and plots made of figures, put between the marks in docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.figures import CONTACTS, GROWTH, HISTORY, METRICS, SIZES, Figure
from benchmarks.plots import PLOTS, Curve, bars, curves, number

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "performance.md"
_PARTS: Final = {
    "send": "send, µs",
    "take": "take in, µs",
    "open": "open the chat, ms",
    "list": "list of chats, ms",
}


def table(figures: list[Figure]) -> str:
    """One line for each metric, one column for each system; p2pchat with its target."""
    systems = _ordered({figure.system for figure in figures})
    by_place = {(figure.metric, figure.system): figure for figure in figures}
    lines = [["metric", *systems, "target", "held"]]
    for name, metric in METRICS.items():
        if not any((name, system) in by_place for system in systems):
            continue
        unit = f", {metric.unit}" if metric.unit not in ("", "ratio") else ""
        ours = by_place.get((name, "p2pchat"))
        held = {None: "", True: "yes", False: "**not yet**"}[ours.is_met if ours else None]
        sign = "≥" if metric.more_is_better else "≤"
        target = "" if metric.target is None else f"{sign} {number(metric.target, name)}"
        cells = [_cell(by_place.get((name, system))) for system in systems]
        lines.append([metric.title + unit, *cells, target, held])
    return _rows(lines)


def growth_tables(figures: list[Figure]) -> list[str]:
    """One line for each size, one column for each cost."""
    by_metric = {figure.metric: figure for figure in figures}
    found = []
    for title, kind, counts in (
        ("lines in the chat", "history", HISTORY),
        ("contacts", "contacts", CONTACTS),
    ):
        lines = [[title, *_PARTS.values()]]
        for count in counts:
            cells = [_cell(by_metric.get(f"{kind}{count}_{part}")) for part in _PARTS]
            lines.append([f"{count:,}", *cells])
        found += [_rows(lines), ""]
    return found


def growth_plot(figures: list[Figure]) -> str:
    """How costs grow with contacts; the name of the file."""
    by_metric = {figure.metric: figure.median for figure in figures}
    series: dict[str, Curve] = {
        title: [(count, by_metric[f"contacts{count}_{part}"]) for count in CONTACTS]
        for part, title in _PARTS.items()
    }
    return curves(series, "cost over contacts, CPU", "growth-contacts.svg")


def group_plots(figures: list[Figure]) -> list[str]:
    """How rate and latency change with the number of members, if more than one size was measured."""
    found = []
    for part, title in (
        ("rate", "texts per second that reach all, over members of the group"),
        ("latency", "ms until the last has a text, over members of the group"),
    ):
        series: dict[str, Curve] = {}
        for figure in figures:
            series.setdefault(figure.system, [])
        for system in series:
            known = {f.metric: f.median for f in figures if f.system == system}
            series[system] = [
                (size, known[metric]) for size in SIZES if known.get(metric := f"group{size}_{part}")
            ]
        if drawn := {system: curve for system, curve in series.items() if len(curve) > 1}:
            found.append(curves(drawn, title, f"groups-{part}{'-rivals' if len(drawn) > 1 else ''}.svg"))
    return found


def kept(section: str, but: Iterable[Figure]) -> list[Figure]:
    """Figures of `section` as they were published, other than those of the metrics of `but`."""
    anew = {figure.metric for figure in but}
    lines = (PLOTS / f"{section}.jsonl").read_text().splitlines()
    return [figure for figure in map(Figure.parse, lines) if figure.metric not in anew]


def publish(figures: Iterable[Figure], machine: dict[str, str], section: str) -> None:
    """Put tables, plots and lines of JSON of a run into the document's `section`; growth has its own."""
    every = list(figures)
    loads = [figure.load for figure in every]
    machine = machine | {"load while measured": f"{min(loads):.1f} to {max(loads):.1f}"}
    about = [*(f"- {name}: {value}" for name, value in machine.items()), ""]
    if grown := [figure for figure in every if figure.metric in GROWTH]:
        _keep(grown, "growth")
        picture = growth_plot(grown)
        _replace("growth", [*about, *growth_tables(grown), f"![{picture}](performance/{picture})"])
    known = [figure for figure in every if figure.metric in METRICS]
    _keep(known, section)
    several = [
        metric
        for metric in METRICS
        if sum(figure.metric == metric for figure in known) > 1 and METRICS[metric].unit
    ]
    kind = "" if section == "limits" else f"-{section}"
    plots = [
        bars(known, metric, f"{metric}{kind}.svg") for metric in several if not metric.startswith("group")
    ]
    plots += group_plots(known)
    _replace(section, [*about, table(known), "", *(f"![{name}](performance/{name})" for name in plots)])


def _keep(figures: list[Figure], section: str) -> None:
    PLOTS.mkdir(exist_ok=True)
    (PLOTS / f"{section}.jsonl").write_text("".join(figure.line() + "\n" for figure in figures))


def _replace(section: str, lines: list[str]) -> None:
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, _, rest = DOCUMENT.read_text().partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n" + "\n".join(lines) + f"\n{end}{after}")


def _rows(lines: list[list[str]]) -> str:
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def _ordered(systems: set[str]) -> list[str]:
    first = [system for system in ("p2pchat", "raw limit") if system in systems]
    return first + sorted(systems - set(first))


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    low, high = (number(extreme, figure.metric) for extreme in (min(figure.values), max(figure.values)))
    return f"{number(figure.median, figure.metric)} ({low} to {high})"
