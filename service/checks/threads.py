"""Threads nobody waits for at the end."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class AbandonedThreads(ThreadPoolExecutor):
    """A daemon thread for each call. The event loop and the interpreter wait for a pool's threads:
    a name server or a network disk that does not answer would keep a command that has its result.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The call's future result."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # so that it can be abandoned, but not cancelled

        def run() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=run, daemon=True).start()
        return future
