"""As much of the Kubernetes API as `kubectl apply` needs: it knows the kinds, keeps what it is
sent, and tells what that was. It checks nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.deploy.kubernetes.rendered import Object

WITHOUT_NAMESPACE = frozenset({"Namespace"})


def plural(kind: str) -> str:
    """The name of a kind in a path."""
    if kind.endswith("y"):
        return f"{kind.lower()[:-1]}ies"
    return f"{kind.lower()}{'es' if kind.endswith('s') else 's'}"


@dataclass
class API:
    """`objects`: what is kept, by path. `sent`: what came since it was last looked at."""

    kinds: dict[str, set[str]]
    objects: dict[str, Object] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def seen(self) -> dict[str, set[str]]:
        """What was created and what was changed, as `Kind/name`; forgotten thereafter."""
        sent, self.sent = self.sent, []
        return {verb: {what for each, what in sent if each == verb} for verb in ("POST", "PATCH")}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """The status and the answer."""
        if method == "GET" and (found := self._discovered(path)):
            return 200, found
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            self.objects[path] = body
        if path not in self.objects:
            return 404, {"kind": "Status", "apiVersion": "v1", "reason": "NotFound", "code": 404}
        each = self.objects[path]
        if method != "GET":
            self.sent.append((method, f"{each['kind']}/{each['metadata']['name']}"))
        return (201 if method == "POST" else 200), each

    def _discovered(self, path: str) -> Any:
        groups = sorted(each for each in self.kinds if "/" in each)
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            versions = [{"groupVersion": each, "version": each.split("/")[1]} for each in groups]
            named = [
                {"name": each["groupVersion"].split("/")[0], "versions": [each]}
                for each in versions
            ]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version not in self.kinds:
            return None
        resources = [
            {
                "name": plural(kind),
                "singularName": kind.lower(),
                "kind": kind,
                "namespaced": kind not in WITHOUT_NAMESPACE,
                "verbs": ["create", "get", "patch"],
            }
            for kind in sorted(self.kinds[version])
        ]
        return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


@contextmanager
def serving(objects: list[Object]) -> Iterator[API]:
    """An API that knows the kinds of these objects, and has none of them."""
    api = API({each["apiVersion"]: set() for each in objects})
    for each in objects:
        api.kinds[each["apiVersion"]].add(each["kind"])

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = api.answer(self.command, self.path.partition("?")[0], body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names the library calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
