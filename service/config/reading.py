"""How the environment of the process becomes a `Config`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, get_origin, get_type_hints

import msgspec

from service.config.environments import ENVIRONMENTS, NO_DATABASE, Config, ProductionConfig
from service.config.files import with_files

# Names other tools export for purposes of their own: read only with Flask's prefix.
PREFIX_ONLY = frozenset({"DEBUG", "TESTING", "HOST"})
# The usual name of a key whose own name is Flask-SQLAlchemy's.
ALIASES = {"SQLALCHEMY_DATABASE_URI": "DATABASE_URL"}
# Set but empty, a variable counts as not set, except where empty is a value of its own.
MAY_BE_EMPTY = frozenset({"JWT_HEADER_TYPE", "LOG_FILE"})
# Flask's prefix on names that are the command line's, not configuration keys.
NOT_CONFIGURATION = re.compile(r"FLASK_(APP|ENV|RUN_.+|SKIP_DOTENV)$")


class ConfigurationError(Exception):
    """The process must not start. `problems`: one sentence each, never a value that is secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    def report(self) -> int:
        """Prints each problem on a line of standard error; returns the exit code, 2."""
        print(*(f"configuration: {each}" for each in self.problems), sep="\n", file=sys.stderr)
        return 2


KEYS: Mapping[str, Any] = get_type_hints(Config)
"""Every declared key and its type."""


Source = str | type[Config] | Mapping[str, Any] | None
"""The name of an environment, a class, or values that win over everything else."""


def load(config: Source = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of this process. Raises `ConfigurationError` with every problem at once."""
    settings, problems = _read(config, os.environ if environ is None else environ)
    problems += settings.problems()
    if problems:
        raise ConfigurationError(problems)
    return settings


def load_for_migration(environ: Mapping[str, str] | None = None) -> Config:
    """As `load`, for a process that needs the database and no secret.

    Raises `ConfigurationError` if production has no database, or its file cannot be read.
    """
    settings, problems = _read(None, os.environ if environ is None else environ)
    about_it = [each for each in problems if each.split(maxsplit=1)[0] in DATABASE_NAMES]
    if about_it:
        raise ConfigurationError(about_it)
    given = settings.SQLALCHEMY_DATABASE_URI or settings.MIGRATION_DATABASE_URL
    if settings.ENVIRONMENT == "production" and not given:
        raise ConfigurationError([NO_DATABASE])
    return settings


def unchecked(environ: Mapping[str, str] | None = None) -> tuple[Config, list[str]]:
    """The configuration as it is, and the values that could not be read: for whoever looks for
    what is wrong with it."""
    return _read(None, os.environ if environ is None else environ)


def _read(config: Source, environ: Mapping[str, str]) -> tuple[Config, list[str]]:
    environ, problems = with_files(environ, VARIABLES, LISTS)
    settings = _environment(config, environ, problems)()
    for name, hint in KEYS.items():
        raw = None if name == "ENVIRONMENT" else _raw_value(name, environ)
        if raw is not None:
            try:
                setattr(settings, name, _parse(raw, hint))
            except ValueError as error:
                problems.append(f"{name} {error}")
    _take_undeclared(settings, environ)
    if isinstance(config, Mapping):
        for name, value in config.items():
            setattr(settings, name, value)
    return settings, problems


def _environment(config: Source, environ: Mapping[str, str], problems: list[str]) -> type[Config]:
    if isinstance(config, type):
        return config
    names = {environ[key] for key in ("APP_ENV", "FLASK_ENV") if environ.get(key)}
    if isinstance(config, Mapping) and "ENVIRONMENT" in config:
        names = {config["ENVIRONMENT"]}
    if isinstance(config, str):
        names = {config}
    if len(names) > 1:
        problems.append("FLASK_ENV and APP_ENV differ: set one of them")
    name = min(names, default="development")
    if name not in ENVIRONMENTS:
        problems.append(f"FLASK_ENV is {name!r}: choose development, testing or production")
    # An unknown name is held to production's rules rather than to none.
    return ENVIRONMENTS.get(name, ProductionConfig)


def _names(key: str) -> list[str]:
    """The variables a key is read from; the first that is set wins."""
    prefixed = f"FLASK_{key}"
    if key in PREFIX_ONLY:
        return [prefixed]
    return list(dict.fromkeys((ALIASES.get(key, key), key, prefixed)))


VARIABLES = [name for key in KEYS if key != "ENVIRONMENT" for name in _names(key)]
LISTS = [name for key, hint in KEYS.items() if get_origin(hint) is tuple for name in _names(key)]
DATABASE_NAMES = {*_names("SQLALCHEMY_DATABASE_URI"), *_names("MIGRATION_DATABASE_URL")}


def _raw_value(name: str, environ: Mapping[str, str]) -> str | None:
    names = _names(name)
    found = next((environ[each] for each in names if environ.get(each)), None)
    if found is None and name in MAY_BE_EMPTY:
        found = next((environ[each] for each in names if each in environ), None)
    return found


def is_chosen(name: str, environ: Mapping[str, str]) -> bool:
    """Whether somebody set the key; if not, it has its default."""
    return _raw_value(name, with_files(environ, _names(name))[0]) is not None


def _take_undeclared(settings: Config, environ: Mapping[str, str]) -> None:
    """Flask's `from_prefixed_env`: any key at all, its value read as JSON where it is JSON."""
    for variable, raw in environ.items():
        key = variable.removeprefix("FLASK_")
        if key == variable or key in KEYS or NOT_CONFIGURATION.match(variable):
            continue
        try:
            setattr(settings, key, msgspec.json.decode(raw))
        except msgspec.DecodeError:
            setattr(settings, key, raw)


def _parse(raw: str, hint: Any) -> Any:
    return PARSERS[get_origin(hint) or hint](raw.strip())


def _boolean(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be 1 or 0")


def _number(kind: Callable[[str], float], article: str) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            return kind(raw)
        except ValueError:
            raise ValueError(f"must be {article} number") from None

    return parse


def _options(raw: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ValueError('must be a JSON object, like {"pool_size": 10}') from None


def _items(raw: str) -> tuple[str, ...]:
    """Between commas, on lines of their own, or a JSON list, as Flask takes it."""
    if raw.startswith("["):
        try:
            return msgspec.json.decode(raw, type=tuple[str, ...])
        except msgspec.DecodeError:
            raise ValueError("must be a comma list, or a JSON list of strings") from None
    return tuple(item.strip() for item in raw.replace("\n", ",").split(",") if item.strip())


PARSERS: Mapping[type, Callable[[str], Any]] = {
    str: str,
    bool: _boolean,
    int: _number(int, "a whole"),
    float: _number(float, "a"),
    tuple: _items,
    Mapping: _options,
}
