"""A program that logs: `writer.py FILE RATE append|offset`, until its standard input is closed.

It writes one line per system call, numbered from 0, and prints at the end how many. Like Python's
WatchedFileHandler it opens the file anew when the path names another one; `offset` writes without
O_APPEND, so that it goes on where it was when the file is truncated under it.
"""

import os
import select
import sys
import time
from pathlib import Path


def main() -> None:
    path, rate, mode = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "append" else 0)
    name = path.name.encode()
    fd = os.open(path, flags)
    number = 0
    begin = time.monotonic()
    while not select.select([0], [], [], 0.002)[0]:
        due = int((time.monotonic() - begin) * rate)
        while number < due:
            try:
                same = os.path.samestat(path.stat(), os.fstat(fd))
            except FileNotFoundError:
                same = False
            if not same:
                os.close(fd)
                fd = os.open(path, flags)
            line = b'{"timestamp":%.6f,"event":"%b","n":%d}\n' % (time.time(), name, number)
            os.write(fd, line)
            number += 1
    print(number)


main()
