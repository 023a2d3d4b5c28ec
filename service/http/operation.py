"""What a route promises, said once: the rate limiter, `/openapi.json` and the tests read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

View = TypeVar("View", bound=Callable[..., Any])

Credential = Literal["none", "access", "refresh", "any", "session"]
"""Whose token is needed: `any` is access or refresh; where there is none, `any` and `session` take
the session cookie, and `session` else an access token."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query; `schema` is a type msgspec knows."""

    name: str
    schema: Any
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`returns`: the schema of each success, None where there is no body. `problems`: statuses a
    caller must expect beyond those that follow from the rest. `limit`: the configuration key of
    its rate limit; None is RATELIMIT_DEFAULT. `strict`: refused while the limit cannot be counted.
    `exempt`: no rate limit at all."""

    returns: Mapping[int, Any]
    accepts: type[msgspec.Struct] | None = None
    credential: Credential = "access"
    problems: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    limit: str | None = None
    strict: bool = False
    exempt: bool = False
    idempotent: bool = False
    conditional: bool = False


def operation(**promises: Any) -> Callable[[View], View]:
    """Notes an `Operation` on the view, under its route's decorator."""
    noted = Operation(**promises)

    def note(view: View) -> View:
        view.operation = noted  # type: ignore[attr-defined]
        return view

    return note


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What the view's `@operation` says, if it has one."""
    found: Operation | None = getattr(view, "operation", None)
    return found
