"""`/docs`: everything the document says, readable without a script and without the internet."""

import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from service.docs.page import page_of
from tests.support import ROOT

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
}


class Html(HTMLParser):
    """The elements and the text of a page whose every tag is closed where it must be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inline: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"script", "style"}:
            self.inline.append(data)
        self.text += data

    def values(self, *attributes: str) -> list[str]:
        """What the elements have in these attributes."""
        return [
            value
            for _, found in self.elements
            for name, value in found.items()
            if name in attributes and value is not None
        ]


@pytest.fixture
def html(client: httpx.Client) -> Html:
    """The page."""
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Html(answer.text)


def test_every_operation_can_be_read(html: Html, document: dict[str, Any]) -> None:
    ids = html.values("id")
    assert len(set(ids)) == len(ids)
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["operationId"] in ids
            assert operation["summary"].replace("`", "") in html.text
            assert path in html.text
            for response in operation["responses"].values():
                description = response.get("description", "").replace("`", "")
                assert description in html.text
    for schema in document["components"]["schemas"].values():
        for name in schema.get("properties", {}):
            assert name in html.text
    for limit in ("1 to 100", "8 to 256 characters", "at most 200 characters", "admin or user"):
        assert limit in html.text


def test_every_link_within_leads_somewhere(html: Html) -> None:
    ids = set(html.values("id"))
    fragments = {link[1:] for link in html.values("href") if link.startswith("#")}
    assert len(fragments) > 15
    assert fragments | set(html.values("popovertarget", "aria-labelledby")) <= ids


def test_nothing_comes_from_anywhere_else(client: httpx.Client, html: Html) -> None:
    used = [link for link in html.values("href", "src") if not link.startswith(("#", "data:,"))]
    assert len(used) == 3
    for link in used:
        assert urlsplit(link)[:2] == ("", ""), link
        assert client.get(urljoin("/docs", link)).status_code == 200, link
    assert "".join(html.inline).strip() == ""
    attributes = {name for _, found in html.elements for name in found}
    assert not any(name.startswith("on") or name == "style" for name in attributes)
    style = client.get("/docs/docs.css").text
    assert "url(" not in style
    assert "@import" not in style


def test_page_allows_itself_nothing_else(client: httpx.Client) -> None:
    (policy,) = client.get("/docs").headers.get_list("content-security-policy")
    assert dict(each.strip().split(" ", 1) for each in policy.split(";")) == POLICY


@pytest.mark.parametrize(
    ("name", "content_type"), [("docs.css", "text/css"), ("docs.js", "text/javascript")]
)
def test_assets_are_kept_until_they_change(
    client: httpx.Client, html: Html, name: str, content_type: str
) -> None:
    (link,) = [each for each in html.values("href", "src") if name in each]
    answer = client.get(f"/{link}")
    assert answer.headers["content-type"] == f"{content_type}; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    headers = {"If-None-Match": answer.headers["etag"]}
    assert client.get(f"/{link}", headers=headers).status_code == 304
    # Of another release, answered while both run: right for now, and not to be kept.
    for other in (f"/docs/{name}", f"/docs/{name}?v=another"):
        assert client.get(other).content == answer.content
        assert client.get(other).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["other.js", "docs.html", "..%2froutes.py", "%00"])
def test_what_is_no_asset_is_a_404(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/docs/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_the_document_says_is_never_markup(document: dict[str, Any]) -> None:
    hostile = "<script>alert(1)</script> `<img src=x onerror=alert(1)>` \"'&"
    info = document["info"] | {"title": hostile, "description": hostile}
    tags = [tag | {"description": hostile} for tag in document["tags"]]
    versions = {"docs.css": hostile, "docs.js": hostile}
    html = Html(page_of(document | {"info": info, "tags": tags}, versions))
    assert "img" not in {tag for tag, _ in html.elements}
    assert "".join(html.inline).strip() == ""
    assert html.text.count("<script>alert(1)</script> <img src=x onerror=alert(1)>") >= 2


def test_wheel_brings_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    folder = ROOT / "service" / "docs"
    needed = {
        str(path.relative_to(ROOT))
        for path in folder.rglob("*")
        if path.suffix in {".css", ".html", ".js", ".py"}
    }
    assert len(needed) > 10
    assert needed <= set(zipfile.ZipFile(wheel).namelist())
