"""Writes docs/checklist.md from `service/checks/`: what each line looks at, what puts it right; and
the README's table of them."""

import inspect
from pathlib import Path

from service.checks.line import Group, Line
from service.checks.lines import LINES
from service.checks.report import HEADINGS
from tools.pages import filled

PAGE = Path(__file__).parents[1] / "docs" / "checklist.md"
README = PAGE.parents[1] / "README.md"

HEAD = """\
# The production checklist

Generated from `service/checks/` by `make docs`; a test fails when the two differ.

```console
$ quart check --deploy                    # in the service's folder, with the service's environment
$ quart check --deploy --json             # {"ok": …, "summary": {…}, "checks": [{"id": …}, …]}
$ quart check --deploy https backups      # these lines only
$ quart check                             # without a running deployment: before it is started
```

Each line is tested on what runs: the configuration of this environment, the service on its own
port, the same service through `PUBLIC_URL`, its database, its store of rate limits, the code in
this folder. A line passes, fails, or is unknown, mostly because of another line that fails; what
does not pass says what to do. No secret is ever shown.

The exit code is 1 when a line fails, and 0 otherwise; `--fail-level unknown` counts what is unknown
as well. `--url` looks at another address than `PUBLIC_URL`; `--plain-url` says where plain HTTP is
when that is not port 80; `--instances N` says on how many machines, or in how many containers, the
service runs. Every wait has a limit: a run ends within half a minute, whatever is away. nginx keeps
`/health` from the public: let this machine's public address in, in `snippets/private.conf`.

A run writes nothing. Of its requests, three are logins without a name and one is a registration by
a form, all refused; they count for the rate limits of the machine it runs on.

Every line but `debug` is judged as production would read the environment, so that a wrong
`FLASK_ENV` is one failure, not ten. Lines with † need a running deployment, and `--deploy`.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group in Group:
        parts.append(f"\n## {HEADINGS[group]}\n")
        parts += [_section(line) for line in LINES if line.group is group]
    return "".join(parts)


def readme() -> str:
    """README.md with the table of today's lines in it."""
    rows = (f"| {line.title} | `quart check --deploy {line.id}` |\n" for line in LINES)
    lines = f"| line | command |\n|---|---|\n{''.join(rows)}"
    return filled(README.read_text(), {"checklist: make docs": lines})


def _section(line: Line) -> str:
    looked_at, put_right = (inspect.getdoc(line.check) or "").split("\n\n")
    mark = " †" if line.deployed else ""
    return (
        f"\n### {line.id}{mark}\n\n*{line.title}*\n\n{looked_at}\n{_keys(line)}"
        f"\n**To put it right:** {put_right}\n"
    )


def _keys(line: Line) -> str:
    keys = ", ".join(f"`{key}`" for key in line.keys or ())
    return (
        f"\nFails as well when the value of one of these cannot be used: {keys}.\n" if keys else ""
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    README.write_text(readme())
