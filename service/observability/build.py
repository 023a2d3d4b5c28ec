"""Which code this is, for metrics, errors and traces."""

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "quartermaster"
# By whom each is set: an image's build, and the platforms that build from a repository.
COMMIT_VARIABLES = ("GIT_COMMIT", "SOURCE_VERSION", "HEROKU_SLUG_COMMIT", "RENDER_GIT_COMMIT")
COMMIT = re.compile(r"[0-9A-Za-z._-]{1,64}")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Build:
    """The distribution's version, the commit it was made from, and the Python that runs it."""

    version: str
    commit: str
    python: str


@cache
def build() -> Build:
    """The build that runs; "unknown" where nothing says so."""
    try:
        found = version(DISTRIBUTION)
    except PackageNotFoundError:  # run from a checkout that was never installed
        found = UNKNOWN
    return Build(found, commit_in(os.environ), platform.python_version())


def commit_in(environ: Mapping[str, str]) -> str:
    """The commit the environment names, if it looks like one."""
    commits = (environ.get(name, "").strip() for name in COMMIT_VARIABLES)
    return next((each for each in commits if COMMIT.fullmatch(each)), UNKNOWN)
