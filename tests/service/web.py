"""Requests without what only TLS needs: httpx reads every root certificate for each new client,
which takes 20 ms and all of a test's time."""

import ssl
from functools import partial
from typing import Any

import httpx

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

request = partial(httpx.request, verify=PLAIN, timeout=20)
get = partial(request, "GET")
options = partial(request, "OPTIONS")
patch = partial(request, "PATCH")
post = partial(request, "POST")


def client(**settings: Any) -> httpx.Client:
    """A client that keeps its cookies and its connections."""
    return httpx.Client(verify=PLAIN, **{"timeout": 20, **settings})
