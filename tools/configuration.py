"""Writes docs/configuration.md from `service/config/`: each key, its values and its text."""

import ast
import inspect
from collections.abc import Mapping
from pathlib import Path

from service import config
from service.config.reading import ALIASES, PREFIX_ONLY

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"

HEAD = """\
# Configuration

Generated from `service/config/` by `make docs`; a test fails when the two differ.

Every key is read from the environment variable of its own name, or of its own name behind
`FLASK_` (`FLASK_PORT=8000`); the plain name wins. Any other `FLASK_<KEY>` becomes a configuration
key too, its value read as JSON where it is JSON, as Flask's `from_prefixed_env` does.
`FLASK_ENV` (or `APP_ENV`) chooses the column: `development`, the default, or `production`.
`testing` is development without debug, with passwords hashed cheaply.

The value of any key can come in a file instead: `<variable>_FILE` names it, as Docker and
Kubernetes mount secrets, or the file is a credential of systemd's under the variable's name. Space
around the value is taken off; a value given twice is refused. [secrets.md](secrets.md) has more.

A value that cannot be used stops the start: one line per problem on standard error, exit code 2,
and never the value of a secret.

| variable | development | production | meaning |
|---|---|---|---|
"""

PRODUCTION = config.ProductionConfig
REQUIRED = {"SECRET_KEY", "JWT_SECRET_KEY", "SQLALCHEMY_DATABASE_URI"}


def documented() -> dict[str, str]:
    """The text under each key of `Config`."""
    (tree,) = ast.parse(inspect.getsource(config.Config)).body
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for key, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(key, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(key.target, ast.Name)
            assert isinstance(text.value, ast.Constant)
            texts[key.target.id] = " ".join(str(text.value.value).split())
    return texts


def shown(environment: type[config.Config], key: str) -> str:
    """The default, as a person would set it."""
    value = getattr(environment, key)
    if key in REQUIRED and environment is PRODUCTION:
        return "**required**"
    if "SECRET" in key and value:
        return "a fixed value"
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, Mapping):
        return "unset"
    if key == "WEB_CONCURRENCY" and environment is PRODUCTION:
        return "(2 × cores) + 1"
    return f"`{value}`" if value or value == 0 else "unset"


def page() -> str:
    """The whole page."""
    rows = []
    for key, text in documented().items():
        if key == "ENVIRONMENT":
            continue
        variable = ALIASES.get(key, key)
        if key in PREFIX_ONLY:
            variable = f"FLASK_{key}"
        defaults = [shown(config.DevelopmentConfig, key), shown(PRODUCTION, key)]
        rows.append(f"| `{variable}` | {defaults[0]} | {defaults[1]} | {text} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
