"""An answer that does not wait for the body: the connection then closes only if it said so.

A proxy that keeps connections open sends its next request into one that has gone, and its client
sees a 502 for a request that had nothing wrong.
"""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.service.support import Service

JSON = "application/json"


@pytest.mark.parametrize(
    ("method", "path", "content_type"),
    [
        ("POST", "/api/v1/auth/logout", JSON),
        ("POST", "/api/v1/auth/refresh", JSON),
        ("POST", "/api/v1/users", JSON),
        ("PATCH", "/api/v1/users/1", JSON),
        ("POST", "/api/v1/auth/login", "text/plain"),
        ("POST", "/nowhere", JSON),
        ("POST", "/health", JSON),
        ("GET", "/health", JSON),
    ],
)
def test_connection_is_kept_or_said_to_close(
    service: Service, method: str, path: str, content_type: str
) -> None:
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)
    with closing(connection):
        connection.putrequest(method, path)
        connection.putheader("Content-Type", content_type)
        connection.putheader("Content-Length", "2")
        connection.endheaders()
        # As a client whose body comes in a packet of its own: the answer is there before it.
        answer = connection.getresponse()
        answer.read()
        if not answer.will_close:
            connection.send(b"{}")
            connection.request("GET", "/health/live")
            assert connection.getresponse().status == 200
