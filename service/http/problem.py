"""How code anywhere below the routes ends a request with an error."""

from collections.abc import Mapping, Sequence


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """Ends the request with this answer. `errors`: one `{"field", "message"}` per bad value."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
