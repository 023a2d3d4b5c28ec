"""What is published: the document, the page, and what the page needs, each as finished bytes."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from service.docs.openapi import document_of
from service.docs.page import page_of
from service.http.application import Application

ASSETS = {"docs.css": "text/css", "docs.js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class File:
    """What stays as it is while the process lives. `version` is a digest of the content."""

    content: bytes
    content_type: str
    version: str


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything there is to read. `assets`: by name."""

    document: File
    page: File
    assets: dict[str, File]


def publication_of(app: Application) -> Publication:
    """What the application has to say of itself; made when it is first asked for."""
    made: Publication | None = app.extensions.get(__name__)
    if made is None:
        made = app.extensions[__name__] = _publish(app)
    return made


def _publish(app: Application) -> Publication:
    document = document_of(app)
    assets = {name: _asset(name) for name in ASSETS}
    versions = {name: file.version for name, file in assets.items()}
    page = page_of(document, versions).encode()
    return Publication(
        document=_file(msgspec.json.encode(document), "application/json"),
        page=_file(page, "text/html; charset=utf-8"),
        assets=assets,
    )


def _asset(name: str) -> File:
    content = (files(__package__) / "assets" / name).read_bytes()
    return _file(content, f"{ASSETS[name]}; charset=utf-8")


def _file(content: bytes, content_type: str) -> File:
    return File(content, content_type, hashlib.blake2b(content, digest_size=12).hexdigest())
