"""A run as text for a terminal."""

from collections.abc import Iterator

from benchmarks.logs.figures import OURS, SECTIONS, Figure, Results

COMPARED = {"s", "MB"}


def as_text(results: Results) -> str:
    """Everything, and at the end what it comes to."""
    return "\n".join([*_introduction(results), *_sections(results), *_verdict(results)])


def ratio(results: Results, figure: Figure) -> float | None:
    """The figure as a multiple of ours."""
    if figure.who.startswith(OURS) or figure.unit not in COMPARED:
        return None
    for ours in results.of(figure.section):
        same = (ours.name, ours.size) == (figure.name, figure.size)
        if same and ours.who == OURS and ours.middle and figure.middle is not None:
            return figure.middle / ours.middle
    return None


def number(value: float, unit: str) -> str:
    """As precise as it is worth reading."""
    if unit == "s":
        return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"
    return f"{value:,.2f}" if not unit else f"{value:,.0f} {unit}"


def _introduction(results: Results) -> Iterator[str]:
    machine = results.machine
    yield f"{machine.made_at}  {machine.processor}, {machine.processors} processors"
    yield "  ".join(f"{name}: {count:,} lines" for name, count in results.lines.items())
    yield "  ".join(f"{name} {version}" for name, version in results.versions.items())
    yield f"{results.rounds} rounds, by turns; medians, and of several the largest after …"
    yield "× is the row as a multiple of ours: below 1, the other one is better."
    for name, why in results.missing.items():
        yield f"missing: {name}: {why}"


def _sections(results: Results) -> Iterator[str]:
    for section, title in SECTIONS.items():
        figures = sorted(
            results.of(section), key=lambda figure: list(results.lines).index(figure.size)
        )
        if figures:
            yield f"\n{title}"
        for name, size in dict.fromkeys((figure.name, figure.size) for figure in figures):
            yield f"  {name}, {size}"
            for figure in figures:
                if (figure.name, figure.size) == (name, size):
                    yield f"    {figure.who:28}{_value(figure):>30}{_beside(results, figure)}"


def _value(figure: Figure) -> str:
    if figure.middle is None:
        return figure.problem
    told = number(figure.middle, figure.unit)
    if len(figure.values) > 1:
        told += f" … {number(max(figure.values), figure.unit)}"
    return f"{told}, {figure.problem}" if figure.problem else told


def _beside(results: Results, figure: Figure) -> str:
    if figure.met is not None:
        goal = "" if figure.goal is None else f": {number(figure.goal, figure.unit)}"
        return f"   {'met' if figure.met else 'NOT MET'}{goal}"
    times = ratio(results, figure)
    if times is None:
        return ""
    return f"   {times:.2f} ×{'  ahead of ours' if times < 1 else ''}"


def _verdict(results: Results) -> Iterator[str]:
    held = [figure for figure in results.figures if figure.met is not None]
    unmet = [figure for figure in held if not figure.met]
    yield f"\n{len(held) - len(unmet)} of {len(held)} goals met"
    for figure in unmet:
        yield f"  not met: {_named(figure)}"
    for figure in results.figures:
        times = ratio(results, figure)
        if times is not None and times < 1:
            yield f"  ahead of ours: {_named(figure)}, {times:.2f} ×"


def _named(figure: Figure) -> str:
    return f"{figure.section}: {figure.name}, {figure.size}, {figure.who}: {_value(figure)}"
