"""Real HTTP servers in the place of Sentry and of an OTLP collector."""

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROJECT = 42


class Receiver:
    """Takes whatever is posted; `posts` are paths, headers and bodies, decompressed."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                elif self.headers.get("Content-Encoding") == "deflate":
                    body = zlib.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posts.append((self.path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.dsn = f"http://publickey@127.0.0.1:{self.port}/{PROJECT}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        """Serves during the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def events(self, kind: str = "event") -> list[dict[str, Any]]:
        """What Sentry was told."""
        found = []
        for path, _, body in list(self.posts):
            assert path == f"/api/{PROJECT}/envelope/"
            lines = body.split(b"\n")
            for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                if json.loads(header)["type"] == kind:
                    found.append(json.loads(payload))
        return found

    def spans(self) -> list[Span]:
        """What a collector was told."""
        found = []
        for path, _, body in list(self.posts):
            assert path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found

    def resources(self) -> list[dict[str, str]]:
        """The attributes of the services that told it."""
        return [
            attributes(resource.resource.attributes)
            for _, _, body in list(self.posts)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    def everything(self) -> bytes:
        """All that arrived."""
        return b"\n".join(
            path.encode() + repr(headers).encode() + body for path, headers, body in self.posts
        )


def attributes(told: Any) -> dict[str, Any]:
    """Those of a span, as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in told}
