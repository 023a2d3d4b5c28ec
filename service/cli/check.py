"""`quart check`: the production checklist, tested on the running configuration."""

import os
import shutil
import sys

import click
import msgspec

from service.checks.line import Status
from service.checks.lines import LINES
from service.checks.report import as_json, as_text
from service.checks.runner import run
from service.checks.scene import Scene

IDS = [line.id for line in LINES]


@click.command("check")
@click.argument("ids", metavar="[LINE]...", nargs=-1, type=click.Choice(IDS))
@click.option("--deploy", is_flag=True, help="Look at the running deployment as well.")
@click.option("--json", "json_wanted", is_flag=True, help="For a program.")
@click.option("--url", metavar="URL", help="Where clients reach it, instead of PUBLIC_URL.")
@click.option("--plain-url", metavar="URL", help="Where plain HTTP is, if not on port 80.")
@click.option(
    "--instances",
    type=click.IntRange(min=1),
    default=1,
    help="On how many machines, or in how many containers, it runs.",
)
@click.option(
    "--fail-level",
    type=click.Choice(["fail", "unknown"]),
    default="fail",
    help="The least that makes the exit code 1.",
)
def check(
    *,
    ids: tuple[str, ...],
    deploy: bool,
    json_wanted: bool,
    url: str | None,
    plain_url: str | None,
    instances: int,
    fail_level: str,
) -> None:
    """Tests every line of the production checklist, or those named, and says what to do about each
    that fails.

    Run it with the environment of the service, in its folder. Without --deploy: only what can be
    told without a running deployment. The exit code is 1 when a line fails.
    """
    scene = Scene(os.environ, deployed=deploy, url=url, plain_url=plain_url, instances=instances)
    lines = [line for line in LINES if line.id in (ids or IDS)]
    running = [line.id for line in lines if line.deployed]
    if ids and running and not deploy:
        raise click.UsageError(
            f"this needs a running deployment: {', '.join(running)}; add --deploy"
        )
    results = run([line for line in lines if deploy or not line.deployed], scene, every=LINES)
    bad = {Status.FAIL, Status(fail_level)}
    ok = not any(result.outcome.status in bad for result in results)
    if json_wanted:
        click.echo(msgspec.json.format(msgspec.json.encode(as_json(results, ok=ok)), indent=2))
    else:
        # Marks that the terminal's character set does not have must not end the report.
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        width = shutil.get_terminal_size((100, 24)).columns
        colour = False if os.environ.get("NO_COLOR") else None
        for each in as_text(results, width):
            click.echo(each, color=colour)
    sys.exit(0 if ok else 1)
