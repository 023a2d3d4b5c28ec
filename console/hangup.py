"""A terminal that goes away takes the program along, whether or not the kernel sends SIGHUP.

It does so only to programs whose controlling terminal it is. For any other, reading says at once,
for ever, that there is nothing to read.
"""

import os
import select
import signal
import threading

__all__ = ["end_with_terminal"]


def end_with_terminal(descriptor: int) -> None:
    """From now on, a hangup of the terminal behind `descriptor` ends this process by SIGHUP."""
    threading.Thread(target=_wait, args=(descriptor,), name="hangup", daemon=True).start()


def _wait(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)
    # Told without being asked for; anything else means that this system cannot tell.
    if any(event & select.POLLHUP for _, event in poll.poll()):
        os.kill(os.getpid(), signal.SIGHUP)
