"""Just enough of Alloy's syntax to read config.alloy: blocks, attributes, lists, maps, names."""

import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<name>[A-Za-z_][\w.]*)"
    r"|(?P<mark>[{}\[\](),=])"
)


class AlloyError(ValueError):
    """What stands where it may not."""


@dataclass(frozen=True)
class Reference:
    """What another component exports."""

    name: str


@dataclass
class Block:
    """`name "label" { … }`."""

    name: str
    label: str
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)

    def block(self, name: str) -> "Block":
        """The one block of that name in it."""
        (found,) = (each for each in self.blocks if each.name == name)
        return found


def read(text: str) -> Block:
    """The whole file, as a block without a name."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise AlloyError(text[at : at + 20])
        at = found.end()
        if found.lastgroup != "skip":
            tokens.append((str(found.lastgroup), found[0]))
    parser = _Parser(tokens)
    file = Block("", "")
    parser.body(file)
    if parser.tokens:
        raise AlloyError(parser.tokens[0][1])
    return file


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens

    def body(self, block: Block) -> None:
        while self.tokens and self.tokens[0][1] != "}":
            name = self._take("name")
            if self._has("="):
                if name in block.attributes:
                    raise AlloyError(name)
                block.attributes[name] = self._value()
                continue
            label = self._take("string")[1:-1] if self.tokens[0][0] == "string" else ""
            inner = Block(name, label)
            self._expect("{")
            self.body(inner)
            self._expect("}")
            block.blocks.append(inner)

    def _value(self) -> Any:
        if self._has("["):
            return self._until("]", self._value)
        if self._has("{"):
            return dict(self._until("}", self._pair))
        if self.tokens and self.tokens[0][0] == "string":
            return self._take("string")[1:-1]
        return Reference(self._take("name"))

    def _pair(self) -> tuple[str, Any]:
        kind, key = self.tokens.pop(0)
        self._expect("=")
        return key.strip('"') if kind == "string" else key, self._value()

    def _until(self, end: str, item: Any) -> list[Any]:
        items = []
        while not self._has(end):
            items.append(item())
            if not self._has(","):
                self._expect(end)
                break
        return items

    def _has(self, mark: str) -> bool:
        found = bool(self.tokens) and self.tokens[0] == ("mark", mark)
        if found:
            self.tokens.pop(0)
        return found

    def _expect(self, mark: str) -> None:
        if not self._has(mark):
            raise AlloyError(f"{mark} expected")

    def _take(self, kind: str) -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            raise AlloyError(f"a {kind} expected")
        return self.tokens.pop(0)[1]
