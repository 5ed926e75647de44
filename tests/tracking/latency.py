"""A server that is far away: everything that goes to it arrives later, without taking up the line meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from urllib.parse import urlsplit


@contextmanager
def delayed(address: str, seconds: float) -> Iterator[str]:
    """Pass on everything to a server on this machine so many seconds later, while the context lasts; yield the new address."""
    port = urlsplit(address).port
    assert port is not None
    with socket.create_server(("127.0.0.1", 0), backlog=64) as front:
        accepting = threading.Thread(target=_accept, args=(front, port, seconds), daemon=True)
        accepting.start()
        yield f"http://127.0.0.1:{front.getsockname()[1]}"


def _accept(front: socket.socket, port: int, seconds: float) -> None:
    with suppress(OSError):
        while True:
            near, _ = front.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for source, target, delay in ((near, far, seconds), (far, near, 0.0)):
                arrived: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                threading.Thread(target=_receive, args=(source, arrived, delay), daemon=True).start()
                threading.Thread(target=_send, args=(target, arrived), daemon=True).start()


def _receive(source: socket.socket, arrived: SimpleQueue[tuple[float, bytes]], delay: float) -> None:
    content = b"begun"
    while content:
        content = b""
        with suppress(OSError):
            content = source.recv(65536)
        arrived.put((time.monotonic() + delay, content))


def _send(target: socket.socket, arrived: SimpleQueue[tuple[float, bytes]]) -> None:
    with suppress(OSError):
        while True:
            due, content = arrived.get()
            time.sleep(max(due - time.monotonic(), 0.0))
            if not content:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(content)
