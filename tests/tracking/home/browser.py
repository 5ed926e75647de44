"""A real browser without a window, spoken to over its own protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SECONDS = 120.0


class Browser:
    """One page of a browser whose profile is new.

    Args:
        socket: connected to the page.
    """

    def __init__(self, socket: Any) -> None:
        self._socket, self._count = socket, 0
        self._call("Page.enable")

    def open(self, address: str) -> None:
        """Go to an address."""
        self._call("Page.navigate", url=address)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; None while there is none."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True).get("result", {}).get("value")

    def wait(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.evaluate(f"Boolean({expression})"):
                return
            time.sleep(0.2)
        raise AssertionError(f"{expression} did not become true. The page: {self.evaluate('document.body.innerText')}")

    def click(self, find: str, then: str) -> None:
        """Press the mouse on the element that an expression finds, until another expression is true.

        More than once, because MLflow's tables move while they are drawn.
        """
        place = "(e => { e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.x + 8, r.y + 8] })"
        end = time.monotonic() + SECONDS
        while True:
            if point := self.evaluate(f"{find} && {place}({find})"):
                for kind in ("mousePressed", "mouseReleased"):
                    self._call("Input.dispatchMouseEvent", type=kind, x=point[0], y=point[1], button="left", clickCount=1)
            try:
                self.wait(then, 10.0)
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._count:
            pass
        result: dict[str, Any] = answer.get("result", {})
        return result


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a browser while the context lasts; skip the test where there is none, saying what to do."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("There is no browser. Run: apt-get install chromium")
    websocket = pytest.importorskip("websocket", reason="Run: pip install websocket-client")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--window-size=1280,800", "--remote-debugging-port=0", "--remote-allow-origins=*"]
        command = [program, *SWITCHES, *options, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            port = next(line for line in process.stderr if "DevTools listening" in line).split(":")[2].split("/")[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as response:
                target = next(target for target in json.load(response) if target["type"] == "page")
            socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=SECONDS)
            try:
                yield Browser(socket)
            finally:
                socket.close()
        finally:
            process.terminate()
            process.wait()
            process.stderr and process.stderr.close()
