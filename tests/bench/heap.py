"""What a page and its worker hold, in MB: garbage is collected before it is looked at, so what grows is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

ANSWER_SECONDS = 10.0


class Heaps:
    """The heaps of a page and of the first worker that it started, asked through DevTools.

    Playwright has no session for a worker, so that what it is asked travels inside messages to the page's:
    https://chromedevtools.github.io/devtools-protocol/tot/Target/#method-sendMessageToTarget
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._line = page.context.new_cdp_session(page)
        self._asked = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._workers: list[str] = []
        self._line.on("Target.attachedToTarget", self._found)
        self._line.on("Target.receivedMessageFromTarget", self._heard)
        self._line.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False})
        self._wait(lambda: bool(self._workers), "the page has no worker")

    def page_mb(self) -> float:
        """Collect the page's garbage; what is left."""
        self._line.send("HeapProfiler.collectGarbage")
        return _mb(self._line.send("Runtime.getHeapUsage"))

    def worker_mb(self) -> float:
        """Collect the worker's garbage; what is left."""
        self._ask_worker("HeapProfiler.collectGarbage")
        return _mb(self._ask_worker("Runtime.getHeapUsage"))

    def _ask_worker(self, method: str) -> dict[str, Any]:
        self._asked += 1
        message = json.dumps({"id": self._asked, "method": method})
        self._line.send("Target.sendMessageToTarget", {"sessionId": self._workers[0], "message": message})
        self._wait(lambda: self._asked in self._answers, f"the worker does not answer {method}")
        answer: dict[str, Any] = self._answers.pop(self._asked)["result"]
        return answer

    def _found(self, told: dict[str, Any]) -> None:
        if told["targetInfo"]["type"] == "worker":
            self._workers.append(told["sessionId"])

    def _heard(self, told: dict[str, Any]) -> None:
        message = json.loads(told["message"])
        if "id" in message:
            self._answers[message["id"]] = message

    def _wait(self, fact: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not fact():
            if time.monotonic() > deadline:
                raise TimeoutError(otherwise)
            self._page.wait_for_timeout(10)  # Messages are delivered meanwhile.


def _mb(usage: dict[str, Any]) -> float:
    """Add up what scripts, the document and array buffers hold."""
    return float(usage["usedSize"] + usage["embedderHeapUsedSize"] + usage["backingStorageSize"]) / 1e6
