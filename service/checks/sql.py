"""The line about SQL: is any text of it put together from strings?"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

from service.checks.line import Outcome, failed, passed
from service.checks.scene import Scene
from service.checks.source import PACKAGE

# These take nothing but text; the others take SQLAlchemy's constructs as well.
TAKE_TEXT = frozenset({"text", "literal_column", "DDL", "exec_driver_sql"})
TAKE_SQL = TAKE_TEXT | frozenset(
    {"execute", "executemany", "fetch", "fetchrow", "fetchval", "scalar", "scalars", "stream"}
)


async def sql_injection(scene: Scene) -> Outcome:  # noqa: ARG001 - a line looks at what it needs
    """Every SQL text in `service/` is a literal, or a name that stands for one in the same module:
    no f-string, no `%`, `+` or `.format()`. Values go in as parameters.

    `sa.text("… WHERE id = :id")` with `{"id": id}`, or SQLAlchemy's constructs.
    """
    calls, built = await asyncio.to_thread(_sql_in, PACKAGE)
    if built:
        return failed(
            f"SQL put together from strings: {', '.join(built[:3])}",
            'use sa.text("… = :value") and give the value as a parameter',
        )
    return passed(f"{calls} SQL statements, every text a literal")


def _sql_in(package: Path) -> tuple[int, list[str]]:
    total, built = 0, []
    for path in sorted(package.rglob("*.py")):
        calls, lines = built_sql(path.read_text(encoding="utf-8"))
        total += calls
        built += [f"{path.relative_to(package.parent)}:{line}" for line in lines]
    return total, built


def built_sql(source: str) -> tuple[int, list[int]]:
    """How many calls take SQL, and the lines of those whose text is put together from strings."""
    tree = ast.parse(source)
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        assigned.setdefault(target.id, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                assigned.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name)):
                assigned.setdefault(name, []).append(
                    ast.BinOp(ast.Constant(""), node.op, node.value)
                )
    calls, lines = 0, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _called(node) in TAKE_SQL:
            calls += 1
            first = node.args[0]
            texts = assigned.get(first.id, [first]) if isinstance(first, ast.Name) else [first]
            wrong = _is_not_literal if _called(node) in TAKE_TEXT else _is_built
            if any(map(wrong, texts)):
                lines.append(node.lineno)
    return calls, lines


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _is_not_literal(node: ast.expr) -> bool:
    return _is_built(node) or not all(map(_is_text, _summands(node)))


def _is_built(node: ast.expr) -> bool:
    """Whether the expression puts a string together. Sums of columns and of literals are none."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(each, ast.FormattedValue) for each in values)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
            return True
        case ast.BinOp(op=ast.Add()):
            parts = list(_summands(node))
            texts = [each for each in parts if _is_text(each)]
            return (0 < len(texts) < len(parts)) or any(map(_is_built, parts))
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace", value=value)):
            return _is_text(value) or _is_built(value)
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _summands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _summands(node.left)
        yield from _summands(node.right)
    else:
        yield node
