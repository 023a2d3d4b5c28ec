"""What `opsconsole logs` writes: JSON that every program reads, columns that harm no terminal."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.commands.rendering import Look, renderer
from tests.console.commands.processes import line, on_terminal, opsconsole

HOSTILE = [
    line(event="before \x1b]0;pwned\x07 after", path="/a\u202eb", request_id="\x1b]2;x\x07"),
    b"raw \x1b]0;pwned\x07 \x1b[31m\xe2\x80\xae \xc2\x9b31m \x9b \x00\n",
    b'{"level":"warn","event":"' + b"x" * 70_000 + b'"}\n',
    '{"event":"\u009b31m \u202e \x7f \u200b [bold]markup[/]", "n":\t1e999}\n'.encode(),
    b'{"event":"broken \xff"}\n',
    b"[1,2]\n",
    b"42\n",
    b"\n",
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n",
    b'{"a":1}{"b":2}\n',
    b'{"half":\n',
    b'{"level":"info","level":"error"}\r\n',
    b'{"n":' + b"9" * 400 + b"}\n",
    b'\x00\x00{"event":"after a hole"}\n',
]
SGR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b"".join(HOSTILE))
    return path


def is_printable(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in SGR.sub("", text))


def test_every_line_becomes_one_object(hostile: Path) -> None:
    shown = opsconsole("logs", "--log", hostile, cwd=hostile.parent)
    assert shown.returncode == 0
    lines = shown.stdout.split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == len(HOSTILE)
    for given_line, found in zip(HOSTILE, lines, strict=True):
        assert found.decode().startswith("{")
        # Nested as deeply as some lines are, Python's own parser gives up.
        if found != given_line[:-1]:
            assert json.loads(found) == {
                "text": given_line[:-1].decode("utf-8", "backslashreplace")
            }
        elif len(found) < 10_000 or found.startswith(b'{"level"'):
            assert isinstance(json.loads(found), dict)


@pytest.mark.parametrize("more", [[], ["--fields", "time,level,message,a,source"], ["--json"]])
def test_a_terminal_is_sent_nothing_but_text_and_colours(hostile: Path, more: list[str]) -> None:
    code, shown = on_terminal("logs", "--log", hostile, *more, cwd=hostile.parent)
    assert code == 0
    assert is_printable(shown)
    assert "pwned" in shown
    colours = set(SGR.findall(shown))
    assert colours <= {f"\x1b[{code}m" for code in ("0", "2", "31", "33", "36", "1;31")}
    assert bool(colours) is ("--json" not in more)


def test_json_means_the_same_on_a_terminal(tmp_path: Path) -> None:
    texts = ["\x7f", "\u009b", "\u202e", "é漢", "\U000e0001", 'quoted " \\ back', "\u00a0"]
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"event": text}, ensure_ascii=False) for text in texts]
    path.write_text("".join(f"{each}\r\n" for each in lines), "utf-8", newline="")
    _, shown = on_terminal("logs", "--json", "--log", path, cwd=tmp_path, columns=400)
    assert [json.loads(each)["event"] for each in shown.splitlines()] == texts


def test_rows_have_the_width_of_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        line(event="slow", level="WARNING", duration_ms=2004.4, status=404)
        + line(exception={"type": "builtins.ValueError", "frames": ["app/users.py:41 f"]})
        + "漢字".encode() * 200
        + b"\nTraceback (most recent call last):\n"
    )
    _, shown = on_terminal("logs", "--log", path, cwd=tmp_path, columns=121, NO_COLOR="1")
    rows = shown.splitlines()
    assert "\x1b" not in shown
    assert rows[0] == (
        "01-15 10:30:00.123  warning   3d28dc7277e8  404  2,004 ms  GET  /api/v1/users/42  slow"
    )
    assert rows[1].endswith("200     12 ms  GET  /api/v1/users/42  ValueError in app/users.py:41")
    assert rows[2].strip() == "漢字" * 15 + "…"
    assert rows[3].strip() == "Traceback (most recent call last):"
    narrow = on_terminal("logs", "--log", path, cwd=tmp_path, columns=40, NO_COLOR="1")[1]
    assert narrow.splitlines()[0] == "10:30:00  warning   404  2,004 ms  GET …"


def test_colour_is_asked_for_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(level="ERROR"))
    arguments = ("logs", "--log", "a.jsonl", "--color")
    piped = opsconsole(*arguments, "always", cwd=tmp_path, COLUMNS="90").stdout
    assert piped.startswith(b"\x1b[2m10:30:00")
    assert b"\x1b[31merror" in piped
    assert b"\x1b" not in opsconsole(*arguments, "never", cwd=tmp_path).stdout
    assert "\x1b" not in on_terminal(*arguments, "never", cwd=tmp_path)[1]


def test_fields_are_chosen_and_brought_into_one_form(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        line(ctx={"tenant": "acme"})
        + b'{"time":1768473000250,"level":50,"msg":"pino","responseTime":7}\nplain\n'
    )
    fields = "time,level,message,duration,ctx.tenant,source"
    shown = opsconsole("logs", "--log", "a.jsonl", "--fields", fields, cwd=tmp_path).stdout
    assert [list(json.loads(each).values()) for each in shown.splitlines()] == [
        ["2026-01-15T10:30:00.123Z", "info", "request", 12.5, "acme", "a.jsonl"],
        ["2026-01-15T10:30:00.250Z", "error", "pino", 7, None, "a.jsonl"],
        [None, None, "plain", None, None, "a.jsonl"],
    ]
    _, table = on_terminal(
        "logs", "--log", "a.jsonl", "--fields", fields, cwd=tmp_path, columns=120, NO_COLOR="1"
    )
    assert table.splitlines()[1].split() == [
        *("01-15", "10:30:00.250", "error", "pino", "7.0", "ms", "-", "a.jsonl")
    ]


@given(st.lists(st.binary(max_size=200).filter(lambda raw: b"\n" not in raw), max_size=8))
@example([b"\xed\xa0\x80", b'{"a":"\\ud800"}', b'{"time":1e300}', b'{"level":true}'])
def test_no_line_breaks_a_form(lines: list[bytes]) -> None:
    json_line = renderer(Look(json=True)).lines(lines, "a")
    fields = renderer(Look(json=True, fields=("time", "a", "source"))).lines(lines, "a")
    for shown in (json_line, fields) if lines else ():
        assert all(isinstance(json.loads(each), dict) for each in shown.decode().split("\n")[:-1])
        assert shown.count(b"\n") == len(lines)
    for look in (
        Look(json=True, terminal=True),
        Look(json=False, width=80, colour=True),
        Look(json=False, width=30, fields=("a", "level")),
    ):
        shown = renderer(look).lines(lines, "a\x1b[31m") if lines else b""
        assert shown.count(b"\n") == len(lines)
        assert is_printable(shown.decode())


@given(st.binary(max_size=100).filter(lambda raw: b"\n" not in raw), st.integers(65_537, 10**9))
def test_of_a_cut_line_the_beginning_and_the_size_are_told(beginning: bytes, size: int) -> None:
    shown = json.loads(renderer(Look(json=True)).beginning(beginning, size, "a"))
    text = beginning.decode("utf-8", "backslashreplace")
    assert shown == {"text": text, "cut": True, "size": size}
    row = renderer(Look(json=False, width=80)).beginning(beginning, size, "a").decode()
    assert f"[{size:,} bytes, cut]" in row
