"""`healthcheck.py [path]`: exit code 0 when the service in this container answers 200 there.

For HEALTHCHECK, every few seconds: nothing is imported but sockets.
"""

import os
import socket
import sys

LIMIT = 4.0
EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 - what it may listen on, not what this listens on


def main(path: str = "/health/live") -> int:
    """Says on standard output what was answered: `docker inspect` shows it."""
    host = os.environ.get("FLASK_HOST", "")
    port = os.environ.get("PORT") or os.environ.get("FLASK_PORT") or "5500"
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        address = ("127.0.0.1" if host in EVERYWHERE else host, int(port))
        with socket.create_connection(address, LIMIT) as connection:
            connection.sendall(request.encode())
            status = connection.makefile("rb").readline(64).split()[1:2]
    except (OSError, ValueError) as error:
        print(f"{path}: {error}")
        return 1
    print(f"{path}: {status[0].decode('ascii', 'replace') if status else 'no HTTP'}")
    return 0 if status == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
