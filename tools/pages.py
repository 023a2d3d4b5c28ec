"""Tables in Markdown, and the parts of a page that commands write."""

import re
from collections.abc import Iterable, Mapping, Sequence

# `<!-- capacity: costs -->`, and after what is written there `<!-- end of costs -->`.
BLOCK = re.compile(r"^(<!-- (\S+: .+) -->\n)(?:(?!<!-- ).*\n)*(<!-- end of .+ -->\n)", re.MULTILINE)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown, all but the first column to the right."""
    marks = ["---", *("--:" for _ in head[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """The page with each of these blocks, named as in the comment before it (`capacity: costs`),
    written anew; other blocks stay. Raises `ValueError` if one is not on the page exactly once."""
    found = [name for _, name, _ in BLOCK.findall(text)]
    if wrong := [name for name in blocks if found.count(name) != 1]:
        raise ValueError(f"not on the page once: {', '.join(wrong)}")

    def written(match: re.Match[str]) -> str:
        return f"{match[1]}{blocks[match[2]]}{match[3]}" if match[2] in blocks else match[0]

    return BLOCK.sub(written, text)
