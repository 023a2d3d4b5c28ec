"""HTTP/1.1 on one connection, held against clients that err, dawdle, vanish or attack."""

from service.http1.connection import Connection, configuration

__all__ = ["Connection", "configuration"]
