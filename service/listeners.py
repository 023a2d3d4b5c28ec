"""Listening sockets, and how they are closed without resetting anybody."""

import ctypes
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

# Linux's, and absent from the socket module.
SO_ATTACH_FILTER = 26
# Classic BPF over the TCP header: drops a packet whose only flag of SYN and ACK is SYN.
INSTRUCTIONS = (
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # if there is SYN alone
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # else take it
)


def turn_away(listeners: Sequence[socket.socket]) -> None:
    """From now on no connection begins on these sockets, in whatever process; those that have begun
    can still be accepted.

    Closing a listener resets what the kernel has accepted and the process has not. Who is dropped
    here tries again, and is refused once the last process has closed its copy. Does nothing where
    the system cannot.
    """
    code = b"".join(struct.pack("HBBI", *each) for each in INSTRUCTIONS)
    kept = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(INSTRUCTIONS), ctypes.addressof(kept))
    for each in listeners:
        if each.family in {socket.AF_INET, socket.AF_INET6}:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
