"""benchmarks/README.md says what `python -m benchmarks.logs` measured last."""

from benchmarks.logs.figures import Figure, Results
from benchmarks.machine import describe
from benchmarks.processes import Cores
from tools.logs import PAGE, blocks, page
from tools.pages import BLOCK


def test_tables_are_those_of_the_last_run() -> None:
    assert PAGE.read_text() == page(), "run python -m tools.logs"


def test_a_table_has_a_column_for_each_program_and_tells_what_is_best_unmet_or_not_there() -> None:
    figures = [
        Figure("launch", "newest line", "1 GB", "opsconsole", "s", [0.2, 0.3, 0.1]),
        Figure("launch", "newest line", "1 GB", "less", "s", [0.004]),
        Figure("jump", "to a time", "1 GB", "opsconsole", "s", [0.02]),
        Figure("jump", "to a time", "1 GB", "lnav", "s", [], "not in 45 s"),
        Figure("sql", "x: ratio", "1 GB", "opsconsole", "", [1.1]),
    ]
    machine = describe(Cores(None, None), embedded=False)
    found = blocks(
        Results(machine, 3, {"1 GB": 4000}, {"lnav": "0.11.1"}, {"jnav": "not here"}, figures)
    )
    assert (
        "1 GB (4,000 lines); rounds: 3, medians; lnav 0.11.1; no jnav: not here"
        in (found["logs: machine"])
    )
    assert found["logs: screens"].splitlines()[0] == "|  | opsconsole | less | lnav | goal |"
    assert found["logs: screens"].splitlines()[2:] == [
        "| launch: newest line, 1 GB | 0.200 s | **0.004 s** |  | **not met** 0.100 s |",
        "| jump: to a time, 1 GB | 0.020 s |  | not in 45 s | 0.100 s |",
    ]
    assert found["logs: commands"].splitlines()[2:] == ["| sql: x: ratio, 1 GB | 1.10 | 1.50 |"]
    assert {name for _, name, _ in BLOCK.findall(PAGE.read_text())} >= found.keys()
