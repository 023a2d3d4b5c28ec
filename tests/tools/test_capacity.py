"""docs/capacity.md says what the script calculates, and the script calculates from what is true."""

import math
import os

import pytest

from service.database.budget import PROBES, pool_size
from service.security import passwords
from tools.capacity.__main__ import main, parse_mix
from tools.capacity.explained import explained
from tools.capacity.measured import Cost, load
from tools.capacity.page import BLOCKS, MIX, PAGE, RATES, page
from tools.capacity.plan import HASHES_AT_ONCE, RESERVED, Plan, Site, plan, up
from tools.pages import BLOCK


def test_page_is_what_the_script_writes() -> None:
    assert PAGE.read_text() == page(load()), "run make docs"


def test_page_has_every_table_once() -> None:
    found = [name for _, name, _ in BLOCK.findall(PAGE.read_text())]
    assert sorted(found) == sorted(BLOCKS)


@pytest.mark.parametrize("name", list(BLOCKS))
def test_figure_changed_by_hand_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text()
    [(before, _, _)] = [each for each in BLOCK.findall(text) if each[1] == name]
    start = text.index(before) + len(before)
    digit = next(at for at in range(start, len(text)) if text[at].isdigit())
    wrong = f"{text[:digit]}{(int(text[digit]) + 1) % 10}{text[digit + 1 :]}"
    made = page(load())
    assert text == made != wrong


# Round numbers, so that the right answers can be seen.
SIMPLE = Plan(
    rate=10_000,
    mix={"read": 0.99, "login": 0.01},
    costs={"read": Cost(500, 100), "login": Cost(1_000, 500)},
    hash_us=100_000,
    memory_mb=100,
    site=Site(round_trip=1),
)


def test_arithmetic() -> None:
    assert SIMPLE.service_us == pytest.approx(0.99 * 500 + 0.01 * 1_000)  # 505
    assert SIMPLE.database_us == pytest.approx(104)
    assert SIMPLE.loops == pytest.approx(5.05)
    assert SIMPLE.hashes == pytest.approx(10)
    assert SIMPLE.cores == pytest.approx(15.05 / 0.6)  # 25.08, on 7 of each 8 cores
    assert SIMPLE.machines == 4 + 1
    assert SIMPLE.processes == math.ceil(5.05 / 0.6 / 4) == 3
    assert SIMPLE.held_ms == pytest.approx(0.609 / 0.4 + 2.05)
    assert SIMPLE.in_use == pytest.approx(10_000 / 12 * SIMPLE.held_ms / 1000)  # 2.98
    assert SIMPLE.pool == math.ceil(SIMPLE.in_use + 3 * math.sqrt(SIMPLE.in_use)) == 9
    assert SIMPLE.connections == 2 * 15 * 10 + 13
    assert not SIMPLE.fits
    assert SIMPLE.database_cores == pytest.approx(1.04 / 0.6)
    assert SIMPLE.primary_cores == pytest.approx(0.05 / 0.6)
    assert SIMPLE.memory == 3 * (100 + 128)
    assert SIMPLE.nginx == 2 * 100_000 / 4
    assert not SIMPLE.bounds


@pytest.mark.parametrize("rate", RATES)
def test_plan_carries_its_load_with_one_machine_lost(rate: int) -> None:
    found = plan(load(), rate, MIX)
    left = (found.machines - 1) * (found.site.cores - 1)
    assert found.loops + found.hashes <= 0.6 * left
    assert found.loops <= 0.6 * (found.machines - 1) * found.processes
    assert found.pool >= found.in_use


def test_bounds_of_one_database_are_told() -> None:
    much = plan(load(), 10_000_000, MIX)
    assert much.replicas
    assert any("replicas" in each for each in much.bounds)
    assert any("divided" in each for each in much.bounds)
    assert much.bounds[0] in explained(much)
    assert not plan(load(), 100, MIX).bounds


def test_number_that_is_whole_but_for_the_last_bits_is_not_rounded_up() -> None:
    assert up(0.1 * 3 * 10) == 3
    assert up(3.01) == 4
    assert up(0) == 1


def test_mix_of_the_page_is_whole() -> None:
    text = ",".join(f"{name}={share}" for name, share in MIX.items())
    assert parse_mix(text) == MIX


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "0"],
        ["--rate", "many"],
        ["--rate", "10", "--mix", "list=0.5"],
        ["--rate", "10", "--mix", "lists=1"],
        ["--rate", "10", "--mix", "list=x"],
        ["--rate", "10", "--mix", "list=2,read=-1"],
        ["--rate", "10", "--cores", "1"],
    ],
)
def test_wrong_argument_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: argument" in capsys.readouterr().err


def test_command_prints_the_page_s_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rate", "10000"]) == 0
    assert capsys.readouterr().out in PAGE.read_text()


def test_constants_are_the_service_s() -> None:
    each, text = pool_size({}) + PROBES, PAGE.read_text()
    assert f"is three processes of {each}," in text
    assert (100 - RESERVED) // each == 3
    assert f"would be {(2 * 4 + 1) * each}." in " ".join(text.split())
    at_once = max(2, min(HASHES_AT_ONCE, os.cpu_count() or 2))
    assert at_once == passwords.CONCURRENCY
