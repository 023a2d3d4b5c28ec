"""The routes that promise something, in the order in which they were written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc, getmodule
from typing import Any

from quart import Quart

from service.http.operation import Operation, operation_of

# HEAD and OPTIONS are the framework's own, on every route.
IMPLICIT_METHODS = frozenset({"HEAD", "OPTIONS"})
# `<user_id>`, `<id:user_id>`, `<string(length=2):code>`
VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `variables`: what is in its path, and by which converter. `about`:
    what the module of the view says of itself."""

    endpoint: str
    method: str
    path: str
    variables: dict[str, str]
    operation: Operation
    text: str
    about: str

    @property
    def resource(self) -> str:
        """The blueprint, which is the heading it stands under."""
        return self.endpoint.partition(".")[0]

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def summary(self) -> str:
        """The first paragraph of the view's docstring, as a heading."""
        return _paragraphs(self.text)[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of it."""
        return "\n\n".join(_paragraphs(self.text)[1:])


def routes_of(app: Quart) -> Iterator[Route]:
    """Every route that carries an `@operation`."""
    for endpoint, view in app.view_functions.items():
        operation = operation_of(view)
        if operation is None:
            continue
        for rule in app.url_map.iter_rules(endpoint):
            variables = {
                each["name"]: each["converter"] or "default"
                for each in VARIABLE.finditer(rule.rule)
            }
            for method in sorted((rule.methods or set()) - IMPLICIT_METHODS):
                yield Route(
                    endpoint=endpoint,
                    method=method,
                    path=VARIABLE.sub(r"{\g<name>}", rule.rule),
                    variables=variables,
                    operation=operation,
                    text=_docstring(view),
                    about=" ".join(_paragraphs(_docstring(getmodule(view)))[:1]),
                )


def _docstring(documented: Any) -> str:
    return cleandoc(documented.__doc__ or documented.__name__)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(each.split()) for each in text.split("\n\n")]
