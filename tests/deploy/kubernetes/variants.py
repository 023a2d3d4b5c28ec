"""Every way the shipped folder is meant to be put together."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deploy.kubernetes.rendered import (
    FOLDER,
    Rendered,
    add_component,
    copy_of_the_tree,
    render,
)

VARIANTS = ("staging", "production", "ingress", "tracing", "sentry", "pgbouncer")


@cache
def variant(name: str) -> Rendered:
    """The shipped overlay, or production with the component of that name."""
    if (FOLDER / "overlays" / name).is_dir():
        return render(FOLDER / "overlays" / name)
    with TemporaryDirectory() as folder:
        return render(change(copy_of_the_tree(Path(folder)), name))


def change(tree: Path, name: str) -> Path:
    """The overlay of that name in a copy of the tree, made first where it is a variant."""
    overlay = tree / "overlays" / name
    if overlay.is_dir():
        return overlay
    overlay = tree / "overlays" / "production"
    add_component(overlay, name, instead_of="gateway" if name == "ingress" else None)
    return overlay
