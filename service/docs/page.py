"""`/docs`: the OpenAPI document as a page for people. Whatever the page says, the document says."""

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from service.docs.entries import entries_of, problem_of
from service.docs.schemas import JSON

CODE = re.compile(r"`([^`]+)`")
JSON_PARTS = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*")(?=:)|(?P<string>"(?:\\.|[^"\\])*")'
    r"|(?P<literal>-?\d[\d.eE+-]*|true|false|null)"
)


def page_of(document: JSON, versions: Mapping[str, str]) -> str:
    """The page. `versions`: of each of its assets, so that a new one is fetched."""
    entries = list(entries_of(document))
    chapters = [
        (tag, [entry for entry in entries if entry.chapter == tag["name"]])
        for tag in document["tags"]
    ]
    return _template().render(
        document=document, chapters=chapters, problem=problem_of(document), versions=versions
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("service.docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=_prose, breakable=_breakable, coloured=_coloured)
    return environment.get_template("docs.html")


def _prose(text: str) -> Markup:
    """Text with what stands in backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _breakable(path: str) -> Markup:
    """A path that may go on in the next line after each slash."""
    return Markup("/<wbr>").join(path.split("/"))


def _coloured(text: str) -> Markup:
    """JSON with its keys, strings and other values told apart."""
    pieces, at = [], 0
    for match in JSON_PARTS.finditer(text):
        pieces.append(escape(text[at : match.start()]))
        pieces.append(Markup('<span class="{}">{}</span>').format(match.lastgroup, match[0]))
        at = match.end()
    return Markup("").join([*pieces, text[at:]])
