"""Links between the documents lead somewhere, and no document names this machine."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
# What GitHub leaves out of a heading to make its anchor.
NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {NOT_IN_ANCHOR.sub("", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text()):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{target}#{anchor}"


def test_link_that_leads_nowhere_is_found() -> None:
    assert LINK.findall("[a](docs/nowhere.md#b)") == [("docs/nowhere.md", "b")]
    assert "the-house" in anchors(ROOT / "README.md")
