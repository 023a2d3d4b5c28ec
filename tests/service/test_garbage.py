"""A request's memory is free once it is answered, with nothing left for the garbage collector.

What refers to itself stays until a full collection, which hundreds of requests at once put off.
"""

import json
import subprocess
import sys

from tests.service.garbage import REQUESTS
from tests.support import ROOT, environment

WERKZEUG = {f"builtins.{name}" for name in ("cell", "function", "set", "tuple")}


def test_answered_request_leaves_no_garbage(database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.service.garbage"],
        cwd=ROOT,
        env=environment(FLASK_ENV="testing", DATABASE_URL=database),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for path, left in json.loads(done.stdout.splitlines()[-1]).items():
        # A connection leaves some, too. Werkzeug's matcher leaves a function that calls itself.
        of_each = {name for name, count in left.items() if count >= REQUESTS}
        assert of_each <= WERKZEUG, f"{path}: {left}"
