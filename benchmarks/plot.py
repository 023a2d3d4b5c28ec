"""The medians of a run as an SVG, 900 pixels wide, for light and dark pages."""

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.cases import POOL_LIMIT, Case
from benchmarks.report import Report
from benchmarks.servers import SERVERS
from benchmarks.summary import Line

WIDTH = 900
MARGIN = 32
LABELS = 226
"""Where bars begin."""
BARS = 400
"""The length of the longest bar of a case."""
TOP = 104
HEADING = 30
ROW = 26
BAR = 16
GAP = 26
"""Between cases."""

STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #3d4655 }
.page { fill: #ffffff; stroke: #d8dee7 }
.title { font-size: 20px; font-weight: 600; fill: #131a26 }
.case { font-size: 15px; font-weight: 600; fill: #131a26 }
.quiet { font-size: 13px; fill: #667085 }
.ours { font-weight: 600; fill: #131a26 }
.number { font-variant-numeric: tabular-nums }
.bar { fill: #b9c3d1 }
.bar-ours { fill: #1f6feb }
.goal { stroke: #131a26; stroke-width: 2 }
.rule { stroke: #e6eaf0 }
@media (prefers-color-scheme: dark) {
  text { fill: #c3ccd8 }
  .page { fill: #10151d; stroke: #2a3340 }
  .title, .case, .ours { fill: #f2f5f9 }
  .quiet { fill: #8d98a8 }
  .bar { fill: #4a5666 }
  .bar-ours { fill: #4c94ff }
  .goal { stroke: #f2f5f9 }
  .rule { stroke: #232b37 }
}
"""


def svg(cases: Sequence[Case], report: Report) -> str:
    """The plot."""
    parts: list[str] = []
    at = TOP
    for case in cases:
        lines = [line for line in report.summary if line.case == case.name]
        parts += _case(case, lines, at, report.settings.clients[case.name])
        at += HEADING + ROW * len(lines) + GAP
    height = at + 22
    size = f'width="{WIDTH}" height="{height}"'
    frame = f'width="{WIDTH - 1}" height="{height - 1}"'
    packages = report.machine.packages
    made_with = ", ".join(
        f"{title} {packages[name]}"
        for title, name in (
            ("Hypercorn", "hypercorn"),
            ("Flask", "flask"),
            ("Gunicorn", "gunicorn"),
            ("FastAPI", "fastapi"),
            ("Uvicorn", "uvicorn"),
            ("SQLAlchemy", "sqlalchemy"),
        )
    )
    said = (
        "Each server on one core, every request logged, the same answers from the same PostgreSQL."
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}"',
            'role="img" aria-labelledby="what">',
            f'<title id="what">{escape(_in_words(cases, report))}</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" {frame} x="0.5" y="0.5" rx="10"/>',
            _text(MARGIN, 44, "title", "Requests a second"),
            _text(MARGIN, 70, "quiet", said),
            *_key(),
            *parts,
            _text(MARGIN, height - 22, "quiet", f"Python {report.machine.python}, {made_with}"),
            "</svg>\n",
        ]
    )


def _key() -> Iterator[str]:
    right = WIDTH - MARGIN
    yield f'<line class="goal" x1="{right - 68}" x2="{right - 68}" y1="30" y2="48"/>'
    yield _text(right, 44, "quiet", "our goal", anchor="end")


def _case(case: Case, lines: Sequence[Line], at: int, clients: int) -> Iterator[str]:
    if not lines:
        return
    goal = _goal(case, lines)
    longest = max(goal, *(line.rate for line in lines))
    yield f'<line class="rule" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{at - 12}" y2="{at - 12}"/>'
    yield _text(MARGIN, at + 14, "case", case.title)
    yield _text(LABELS, at + 14, "quiet", f"{case.method} {case.path}, {clients} clients")
    yield _text(WIDTH - MARGIN, at + 14, "quiet", "this service is", anchor="end")
    for number, line in enumerate(lines):
        yield from _row(line, at + HEADING + number * ROW, longest)
    if goal:
        x = LABELS + goal / longest * BARS
        y = at + HEADING
        yield f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3}" y2="{y + BAR + 3}"/>'


def _row(line: Line, at: int, longest: float) -> Iterator[str]:
    ours = line.server == "here"
    length = max(2.0, line.rate / longest * BARS)
    look = "ours" if ours else "theirs"
    bar = "bar-ours" if ours else "bar"
    base = at + BAR - 3
    yield _text(MARGIN, base, look, SERVERS[line.server].title)
    yield (
        f'<rect class="{bar}" x="{LABELS}" y="{at}" width="{length:.1f}" height="{BAR}" rx="3"/>'
    )
    yield _text(LABELS + BARS + 78, base, f"{look} number", f"{line.rate:,.0f}", anchor="end")
    if line.ratio is not None:
        yield _text(WIDTH - MARGIN, base, "number", f"{line.ratio:.2f} × as fast", anchor="end")


def _goal(case: Case, lines: Sequence[Line]) -> float:
    """The rate that meets all goals of the case."""
    rates = {line.server: line.rate for line in lines}
    wanted = [
        goal.least * (POOL_LIMIT if goal.of == "pool" else rates[goal.of])
        for goal in case.goals
        if goal.of == "pool" or goal.of in rates
    ]
    return max(wanted, default=0.0)


def _in_words(cases: Sequence[Case], report: Report) -> str:
    titles = {case.name: case.title for case in cases}
    return "Requests a second. " + " ".join(
        f"{titles[line.case]}, {SERVERS[line.server].title}: {line.rate:,.0f}."
        for line in report.summary
    )


def _text(x: float, y: float, look: str, content: str, *, anchor: str = "start") -> str:
    return (
        f'<text class="{look}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(content)}</text>'
    )
