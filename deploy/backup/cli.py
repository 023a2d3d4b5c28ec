"""The command line: people read standard output, programs the log lines on standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from deploy.backup import log
from deploy.backup.catalogue import Backup, Catalogue
from deploy.backup.create import create
from deploy.backup.encryption import recipients
from deploy.backup.manifest import Manifest
from deploy.backup.problems import BackupError, CorruptError, UsageError, shown
from deploy.backup.programs import Work, in_thread
from deploy.backup.prune import prune
from deploy.backup.restore import restore, target
from deploy.backup.run import Reporter, limited, reported, run_forever, run_once
from deploy.backup.settings import Settings, duration, load, report_path
from deploy.backup.stores import open_store
from deploy.backup.verify import read_archive, verify

REPORTED = frozenset({"create", "verify", "run"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 when something failed, 2 when it could not begin."""
    options = _parser().parse_args(arguments)
    reporter = Reporter(report_path(os.environ), getattr(options, "metrics", None))
    try:
        settings = _load(options, reporter)
        return asyncio.run(_until_told(_COMMANDS[options.command](settings, options, reporter)))
    except UsageError as error:
        log.error("backup cannot begin", error=str(error))
        print(f"backup: {error}")
        return 2
    except BackupError as error:
        log.error(f"{options.command} failed", error=str(error))
        print(f"backup: {error}")
        if isinstance(error, CorruptError):
            print(*(f"  {each}" for each in error.differences), sep="\n")
        return 1
    except asyncio.CancelledError:
        log.warning("stopped", command=options.command)
        print("backup: stopped before its end")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create", help="make a backup")
    one = commands.add_parser("verify", help="restore a backup elsewhere and compare it")
    one.add_argument("name", nargs="?", default="latest")
    one.add_argument(
        "--archive-only",
        action="store_true",
        help="checksum and archive only, without a server; does not count as verified",
    )
    one = commands.add_parser("restore", help="make a backup into a new database")
    one.add_argument("name", metavar="NAME|latest")
    one.add_argument("--to", required=True, metavar="URL|NAME", help="the new database")
    one.add_argument(
        "--no-owner", action="store_true", help="everything belongs to the role that restores"
    )
    one = commands.add_parser("list", help="the backups in the store")
    one.add_argument("--json", action="store_true")
    one = commands.add_parser("prune", help="remove what retention no longer wants")
    one.add_argument("--dry-run", action="store_true", help="only say what would go")
    one = commands.add_parser("run", help="create, verify, prune, report")
    one.add_argument("--every", type=_seconds, metavar="24h", help="again and again")
    one.add_argument("--metrics", type=Path, metavar="FILE", help="also as Prometheus text")
    return parser


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _load(options: argparse.Namespace, reporter: Reporter) -> Settings:
    try:
        return load(os.environ)
    except UsageError as error:
        if options.command in REPORTED:
            reporter.failed(error)
        raise


async def _until_told(command: Coroutine[Any, Any, int]) -> int:
    """The command's exit code; SIGTERM and SIGINT cancel it, and it cleans up."""
    task = asyncio.ensure_future(command)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, task.cancel)
    return await task


async def _create(settings: Settings, _: argparse.Namespace, reporter: Reporter) -> int:
    async def make() -> Manifest:
        work = Work()
        to = recipients(settings.recipients)
        catalogue = Catalogue(open_store(settings.store))
        _name, manifest = await create(settings, catalogue, to, work)
        return manifest

    manifest = await reported(make(), settings, reporter)
    print(f"{manifest.name}: {manifest.rows} rows, {_size(manifest.size_bytes)}, not verified yet")
    return 0


async def _verify(settings: Settings, options: argparse.Namespace, reporter: Reporter) -> int:
    work = Work()

    async def check() -> Manifest:
        catalogue, backup = await _found(settings, options.name, work)
        if options.archive_only:
            return await read_archive(settings, catalogue, backup, work)
        return await verify(settings, catalogue, backup, work)

    manifest = await reported(check(), settings, reporter)
    if options.archive_only:
        print(f"{manifest.name}: checksum and archive are right; not restored, so not verified")
        return 0
    reporter.verified(manifest)
    print(f"{manifest.name}: verified, {manifest.rows} rows are what was backed up")
    return 0


async def _restore(settings: Settings, options: argparse.Namespace, _: Reporter) -> int:
    work = Work()
    to = target(settings, options.to)

    async def make() -> Manifest:
        catalogue, backup = await _found(settings, options.name, work)
        return await restore(settings, catalogue, backup, to, work, own=options.no_owner)

    manifest = await limited(make(), settings)
    revision = ", ".join(manifest.alembic_version) or "none"
    print(
        f"{manifest.name}: restored to {shown(to.database)} and compared, {manifest.rows} rows.\n"
        f"It is as of {shown(manifest.created_at)}; whatever was written later is not in it.\n"
        "Next:\n"
        "  1. point DATABASE_URL at it\n"
        f"  2. alembic current (it was at {shown(revision)}), then alembic upgrade head\n"
        "  3. restart the service, then quart check --deploy\n"
        "  4. keep the old database until that is done"
    )
    return 0


async def _list(settings: Settings, options: argparse.Namespace, _: Reporter) -> int:
    work = Work()
    backups = await in_thread(work, lambda: Catalogue(open_store(settings.store)).backups())
    if options.json:
        print(json.dumps([_row(each) for each in backups], indent=1))
        return 0
    for each in backups:
        state = f"verified {each.verified_at}" if each.verified_at else "not verified"
        kind = "encrypted" if each.encrypted else "plain"
        print(f"{each.name}  {_size(each.size):>10}  {kind:<9}  {state}")
    if not backups:
        print("no backup yet")
    return 0


def _row(backup: Backup) -> dict[str, object]:
    return {
        "name": str(backup.name),
        "database": backup.name.database,
        "created_at": log.stamp(backup.name.created_at),
        "size_bytes": backup.size,
        "encrypted": backup.encrypted,
        "verified_at": backup.verified_at,
    }


async def _prune(settings: Settings, options: argparse.Namespace, _: Reporter) -> int:
    work = Work()
    gone = await in_thread(
        work,
        lambda: prune(Catalogue(open_store(settings.store)), settings.keep, dry=options.dry_run),
    )
    for each in gone:
        print(each.name)
    keep = settings.keep
    print(
        f"{len(gone)} {'would go' if options.dry_run else 'removed'}; kept: the newest of "
        f"{keep.daily} days, {keep.weekly} weeks, {keep.monthly} months, and the last verified"
    )
    return 0


async def _run(settings: Settings, options: argparse.Namespace, reporter: Reporter) -> int:
    if options.every:
        try:
            await run_forever(settings, reporter, options.every)
        except asyncio.CancelledError:
            log.info("stopped")
        return 0
    manifest = await run_once(settings, reporter)
    print(f"{manifest.name}: made and verified, {manifest.rows} rows, {_size(manifest.size_bytes)}")
    return 0


async def _found(settings: Settings, name: str, work: Work) -> tuple[Catalogue, Backup]:
    catalogue = Catalogue(await in_thread(work, lambda: open_store(settings.store)))
    database = settings.database.database if settings.database else None
    return catalogue, await in_thread(work, lambda: catalogue.find(name, database))


def _size(count: int) -> str:
    return f"{count / 1024:.1f} KB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"


_COMMANDS = {
    "create": _create,
    "verify": _verify,
    "restore": _restore,
    "list": _list,
    "prune": _prune,
    "run": _run,
}
