"""Values that come in files: `<KEY>_FILE`, as Docker and Kubernetes mount secrets, and systemd's
credentials."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

# Far more than a value has: a path given by mistake must not fill the memory.
LARGEST = 64 * 1024
SUFFIX = "_FILE"
# Where systemd puts what `LoadCredential=` names.
CREDENTIALS = "CREDENTIALS_DIRECTORY"


def with_files(
    environ: Mapping[str, str], names: Collection[str], lists: Collection[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The environment with the values of those of `names` that come in files, and what is wrong:
    one sentence each, without the path, for a secret put in its place must not be printed. Only the
    file of one of `lists` may be empty, as that of fallback keys is between rotations."""
    found = dict(environ)
    problems = []
    for name in names:
        places = _places(name, environ)
        if not places:
            continue
        found.pop(name + SUFFIX, None)
        given_by = [f"the variable {name}"] * bool(environ.get(name)) + list(places)
        if len(given_by) > 1:
            problems.append(f"{name} is given by {' and '.join(given_by)}: keep one of them")
            continue
        ((place, path),) = places.items()
        try:
            found[name] = _content(path)
            if not found[name] and name not in lists:
                raise ValueError("it is empty")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            problems.append(f"{name} cannot be had from {place}: {reason}")
    return found, problems


def _places(name: str, environ: Mapping[str, str]) -> dict[str, Path]:
    """The files that give the value, by what an operator calls them."""
    places = {}
    if path := environ.get(name + SUFFIX):
        places[name + SUFFIX] = Path(path)
    if folder := environ.get(CREDENTIALS):
        credential = Path(folder, name)
        if credential.is_file():
            places[f"the credential {name}"] = credential
    return places


def _content(path: Path) -> str:
    """The text, without the newline editors and `echo` put at the end."""
    if path.exists() and not path.is_file():  # a pipe nobody writes to would hold the start
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024} KiB")
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
