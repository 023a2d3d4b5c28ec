"""What the service says about itself: logs, metrics, traces."""

import os

# Empty is not set, as with every variable; prometheus_client would write into the current folder.
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
