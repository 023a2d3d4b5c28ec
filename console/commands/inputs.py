"""What the entries name: files, all of a folder or of a pattern, archives, pipes, commands."""

import stat
from collections.abc import Iterator, Sequence
from glob import has_magic, iglob
from pathlib import Path

from console.commands.arguments import Wanted
from console.commands.files import FileInput, Input
from console.logs.files.log_file import LogFile
from console.targets import Command

__all__ = ["open_inputs"]

_FILES = 500


def open_inputs(
    entries: Sequence[Path | Command], wanted: Wanted, problems: list[str], *, live: bool = False
) -> list[Input]:
    """Open what the entries name, add to `problems` what cannot be opened.

    A command is started when it is read. With `live`, lines that are not finished yet are left
    out, and so are the archives among the files of a folder or a pattern.
    """
    found: list[Input] = []
    known: set[Path] = set()
    for entry in entries:
        if isinstance(entry, Path) and str(entry) != "-":
            found += _open_files(entry, wanted, known, problems, live=live)
            continue
        # Imported late, here and below: most logs are plain files.
        from console.commands import streams  # noqa: PLC0415

        if isinstance(entry, Command):
            found.append(streams.command(entry, wanted))
        else:
            found.append(streams.standard_input(wanted))
    return found


def _open_files(
    entry: Path, wanted: Wanted, known: set[Path], problems: list[str], *, live: bool
) -> Iterator[Input]:
    paths = _files_of(entry)
    if not paths:
        problems.append(f"{entry}: no such file")
    for path in paths:
        # What is named twice is read once.
        identity = path.resolve()
        if identity in known:
            continue
        if len(known) >= _FILES:
            problems.append(f"{entry}: only the first {_FILES} files are read")
            return
        known.add(identity)
        try:
            opened = _open(path, wanted, live=live)
        except OSError as error:
            problems.append(f"{path}: {(error.strerror or str(error)).lower()}")
            continue
        if isinstance(opened, FileInput) or not live or path == entry:
            yield opened


def _files_of(path: Path) -> list[Path]:
    """Return the file itself, those of a folder, or those that a pattern matches."""
    if path.is_dir():
        return sorted(child for child in path.iterdir() if child.is_file())
    if has_magic(str(path)) and not path.exists():
        # Path.glob() takes no absolute pattern.
        names = sorted(iglob(str(path), recursive=True))  # noqa: PTH207
        return [Path(name) for name in names if Path(name).is_file()]
    return [path]


def _open(path: Path, wanted: Wanted, *, live: bool) -> Input:
    if stat.S_ISFIFO(path.stat().st_mode):
        from console.commands import streams  # noqa: PLC0415

        # As a shell makes them of `<(zcat x.gz)`.
        return streams.pipe(path, wanted)
    log = LogFile.open(path, whole=not live)
    # Neither does any archive begin like this, nor need most logs be asked for more.
    if log.read(0, 1) not in {b"{", b""}:
        from console.logs.sources.archive import archive_kind  # noqa: PLC0415

        if archive_kind(path):
            from console.commands import streams  # noqa: PLC0415

            return streams.archive(path, wanted)
    return FileInput(log, wanted)
