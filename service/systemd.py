"""What systemd gives a service and wants to hear of it: sockets that listen, and when it is ready.

Neither needs a library: the sockets follow the three standard descriptors, and a message is a
datagram.
"""

import os
import socket
from contextlib import suppress

FIRST_DESCRIPTOR = 3


def sockets() -> list[socket.socket]:
    """Those that systemd opened for this process, which go on listening when it has ended; empty
    without socket activation."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.pop("LISTEN_FDS", "0"))
    del os.environ["LISTEN_PID"]  # no child may take them for its own
    found = [socket.socket(fileno=FIRST_DESCRIPTOR + each) for each in range(count)]
    for each in found:
        each.set_inheritable(False)
    return found


def tell(state: str) -> None:
    """Sends systemd the state, such as `READY=1`; nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.settimeout(1.0)
        peer.sendto(state.encode(), address)
