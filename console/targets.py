"""What is watched: given on the command line, written in `opsconsole.toml`, or found.

`opsconsole.toml`, in the folder the console is started in (paths are relative to it):

    [target.production]
    environment = "production"      # red header, and an upgrade asks for the target's name
    read_only = false               # true: never run an upgrade
    health = { web1 = "http://10.0.0.1:5500/health", web2 = "http://10.0.0.2:5500/health" }
    log = ["var/log/service.jsonl", { command = ["ssh", "web2", "tail", "-F", "/var/log/x.jsonl"] }]
    filter = "service=api -health"  # of the log, only these lines are this target's
    alembic = "."                   # the folder that holds alembic.ini
    backup_report = "var/backup.json"   # where the service's /metrics do not tell of backups

`health` may also be one URL or a list of them. `log` may be one path, or `"cmd: ssh web2 tail -F
x"`; a path may be a glob pattern, a folder, a compressed file, or `-` for standard input. Every key
is optional. With several targets, `--name` chooses.
"""

import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = [
    "CONFIG_NAME",
    "Command",
    "Endpoint",
    "Target",
    "TargetError",
    "discover",
    "endpoint",
    "load",
    "log_entry",
]

CONFIG_NAME = "opsconsole.toml"
_LOG_FOLDERS = ("var/log", "logs", "log")
_COMMAND = "cmd:"
_KEYS = frozenset(
    {"environment", "read_only", "health", "log", "filter", "alembic", "backup_report"}
)


class TargetError(Exception):
    """What was asked for cannot be watched; the message is one line and says what to change."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A health URL and the name its instance goes by."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments whose output is a log."""

    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a shell would be told."""
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Target:
    """Everything the console watches. Empty `health` or `logs`, or no `alembic`, is allowed."""

    name: str
    environment: str = "development"
    health: tuple[Endpoint, ...] = ()
    logs: tuple[Path | Command, ...] = ()
    filter: str = ""
    alembic: Path | None = None
    read_only: bool = False
    backup_report: Path | None = None

    @property
    def production(self) -> bool:
        """Whether mistakes here reach customers."""
        return self.environment.lower() in {"production", "prod"}


def endpoint(text: str) -> Endpoint:
    """Read `[NAME=]URL`; without a name the instance is called by its host and port.

    Raises TargetError when the URL is not an http(s) one.
    """
    name, equals, url = text.partition("=")
    if not equals or "://" in name:
        name, url = "", text
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in {"http", "https"}:
        raise TargetError("a health URL looks like http://127.0.0.1:5500/health or NAME=URL")
    return Endpoint(name.strip() or (f"{host}:{port}" if port else host), url)


def log_entry(text: str, base: Path = Path()) -> Path | Command:
    """Read what `--log` or `log` says: a path relative to `base`, `-`, or `cmd:` and a command.

    The command is split like a shell does it, and no shell is run: for a pipe, say `sh -c '…'`.
    Raises TargetError.
    """
    if text.startswith(_COMMAND):
        try:
            argv = shlex.split(text.removeprefix(_COMMAND))
        except ValueError as error:
            raise TargetError(f"{text}: {error}".lower()) from error
        return _command(argv)
    if not text or "\0" in text:
        raise TargetError("a log is a path, - or cmd: and a command")
    return Path(text) if text == "-" else base / text


def _command(argv: object) -> Command:
    if (
        not isinstance(argv, list)
        or not all(isinstance(part, str) and "\0" not in part for part in argv)
        or not any(argv[:1])
    ):
        raise TargetError("a command is a list of texts, such as ['kubectl', 'logs', '-f', 'web1']")
    return Command(tuple(argv))


def load(path: Path, name: str | None = None) -> Target:
    """Read the target `name`, or the only one, from an `opsconsole.toml`.

    Raises TargetError naming the file and the line.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"{path.name}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = at[1] if at else text.count("\n") + 1
        reason = re.sub(r"\s*\(at [^)]*\)", "", str(error))
        raise TargetError(f"{path.name} line {line}: {reason}") from error
    tables = document.get("target")
    if not isinstance(tables, dict) or not tables:
        raise TargetError(f"{path.name} line 1: no [target.NAME] table")
    if name is None and len(tables) > 1:
        raise TargetError(f"{path.name}: choose with --name: {', '.join(tables)}")
    chosen = name if name is not None else next(iter(tables))
    if not isinstance(tables.get(chosen), dict):
        raise TargetError(f"{path.name}: no [target.{chosen}]; there is: {', '.join(tables)}")
    return _Table(path, text, chosen, tables[chosen]).target()


def discover(folder: Path, environ: Mapping[str, str]) -> Target:
    """Find the log, the health URL and the Alembic folder of the project in `folder`."""
    return Target(
        name=folder.resolve().name or "target",
        environment=environ.get("APP_ENV") or environ.get("FLASK_ENV") or "development",
        health=(endpoint(f"http://127.0.0.1:{environ.get('PORT') or '5500'}/health"),),
        logs=_find_log(folder, environ),
        alembic=folder if (folder / "alembic.ini").is_file() else None,
    )


def _find_log(folder: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    if named := environ.get("LOG_FILE"):
        return (folder / named,)
    usual = folder / "var/log/service.jsonl"
    if usual.is_file():
        return (usual,)
    candidates = [
        path
        for place in _LOG_FOLDERS
        for pattern in ("*.jsonl", "*.log")
        for path in (folder / place).glob(pattern)
        if path.is_file()
    ]
    # The usual file is waited for when there is none yet: the service may not have started.
    return (max(candidates, key=os.path.getmtime, default=usual),)


@dataclass(frozen=True, slots=True)
class _Table:
    path: Path
    text: str
    name: str
    values: dict[str, object]

    def target(self) -> Target:
        for key in self.values:
            if key not in _KEYS:
                raise self._error(key, f"unknown key; known are {', '.join(sorted(_KEYS))}")
        base = self.path.parent
        alembic = self._text("alembic")
        report = self._text("backup_report")
        read_only = self.values.get("read_only", False)
        if not isinstance(read_only, bool):
            raise self._error("read_only", "must be true or false")
        return Target(
            name=self.name,
            environment=self._text("environment") or "development",
            health=self._health(),
            logs=self._logs(),
            filter=self._text("filter") or "",
            alembic=base / alembic if alembic is not None else None,
            read_only=read_only,
            backup_report=base / report if report is not None else None,
        )

    def _health(self) -> tuple[Endpoint, ...]:
        value = self.values.get("health")
        try:
            if isinstance(value, dict):
                return tuple(endpoint(f"{name}={url}") for name, url in value.items())
            return tuple(endpoint(item) for item in self._texts("health"))
        except TargetError as error:
            raise self._error("health", str(error)) from error

    def _logs(self) -> tuple[Path | Command, ...]:
        value = self.values.get("log", [])
        items = value if isinstance(value, list) else [value]
        logs: list[Path | Command] = []
        try:
            for item in items:
                if isinstance(item, dict) and item.keys() == {"command"}:
                    logs.append(_command(item["command"]))
                elif isinstance(item, str):
                    logs.append(log_entry(item, self.path.parent))
                else:
                    raise TargetError("must be a string or a list of them and { command = [...] }")
        except TargetError as error:
            raise self._error("log", str(error)) from error
        return tuple(logs)

    def _text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self._error(key, "must be a string")
        return value

    def _texts(self, key: str) -> list[str]:
        value = self.values.get(key, [])
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise self._error(key, "must be a string or a list of strings")
        return [str(item) for item in items]

    def _error(self, key: str, problem: str) -> TargetError:
        # tomllib forgets where a value stood, so the line is searched for again.
        inside, found = False, 1
        for number, line in enumerate(self.text.splitlines(), start=1):
            if heading := re.match(r"\s*\[\s*target\s*\.\s*[\"']?(.+?)[\"']?\s*\]", line):
                inside = heading[1] == self.name
                found = number if inside else found
            elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
                found = number
                break
        return TargetError(f"{self.path.name} line {found}: {key}: {problem}")
