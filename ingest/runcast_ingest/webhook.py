"""Send alerts to the one address that the operator configured, at least once each, in the order in which they came.

What is to be sent stands in the store until the other side has said that it has it, so neither a restart nor a
receiver that is away loses an alert. Nobody but the operator names an address, and redirects are not followed; the
address may be a secret, so nothing here repeats more of it than the host.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import sqlite3
import ssl
import time
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

from runcast_ingest.api.answers import moment
from runcast_ingest.store import Delivery, Store

log = logging.getLogger(__name__)

ANSWER_SECONDS_MAX = 10.0
PAUSE_SECONDS = (1.0, 300.0)  # The first pause between two tries, and the longest; each is double the one before.
REFUSED_TRIES_MAX = 5  # Of an alert that the receiver understands and does not want.
TRIES_MAX = 300  # About a day.
LOOK_SECONDS = 30.0  # Between two looks into the store when nobody wakes us.
MARKS = {"INFO": "\u2139\ufe0f", "WARN": "\u26a0\ufe0f", "ERROR": "\U0001f6a8"}
_WAIT = {408, 425, 429}  # Of 4xx, those that say: later.


class Webhook:
    """Delivers what the store holds for it."""

    def __init__(self, store: Store, url: str, *, pause: tuple[float, float] = PAUSE_SECONDS) -> None:
        self._store, self._url, self._pause = store, url, pause
        self._host = urlsplit(url).hostname
        self._due = asyncio.Event()
        store.deliver()

    def wake(self) -> None:
        """Look at once: something was stored."""
        self._due.set()

    async def run(self) -> None:
        """Deliver, for as long as the service lives."""
        while True:
            wait = LOOK_SECONDS
            self._due.clear()
            try:
                wait = await self._next()
            except sqlite3.Error as error:
                log.error("cannot read which alerts are to be sent: %s; trying again", error)
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._due.wait()

    async def _next(self) -> float:
        """Deliver the next one; says how long to wait for another."""
        found = await self._store.next_delivery()
        if found is None:
            return LOOK_SECONDS
        early = (found.due - time.time_ns()) / 1e9
        if early > 0:
            return min(early, LOOK_SECONDS)
        key, tries = found.alert.key, found.tries + 1
        try:
            status = await asyncio.to_thread(post, self._url, message(found))
            said = f"it answered {status}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            status, said = 0, type(error).__name__ if isinstance(error, ValueError) else str(error)
        if 200 <= status < 300:
            await self._store.settle_delivery(key)
            return 0.0
        refused = 300 <= status < 500 and status not in _WAIT
        if tries >= (REFUSED_TRIES_MAX if refused else TRIES_MAX):
            log.error("the webhook at %s did not take alert %d in %d tries: %s; gave up", self._host, key, tries, said)
            await self._store.settle_delivery(key)
            return 0.0
        pause = min(self._pause[0] * 2 ** min(found.tries, 30), self._pause[1])
        log.warning("the webhook at %s did not take alert %d: %s; again in %.0f s", self._host, key, said, pause)
        await self._store.settle_delivery(key, time.time_ns() + int(pause * 1e9))
        return 0.0


def message(delivery: Delivery) -> dict[str, Any]:
    """Write an alert as JSON: `text` is what Slack and those who read like it show; the rest is for programs."""
    alert = delivery.alert
    where = f"{delivery.project} / {delivery.name}"
    said = f"{MARKS.get(alert.level, '')} *{_slack(alert.title)}* in {_slack(where)} at step {alert.step}"
    return {
        "text": said + (f"\n{_slack(alert.text)}" if alert.text else ""),
        "alert": {
            "id": alert.key,
            "project": delivery.project,
            "run": delivery.run,
            "name": delivery.name,
            "time": moment(alert.time),
            "step": alert.step,
            "level": alert.level,
            "title": alert.title,
            "text": alert.text,
            "label": alert.label,
            "rule": alert.rule,
        },
    }


def post(url: str, said: dict[str, Any]) -> int:
    """Send JSON, and return the status that was answered; raises OSError and HTTPException."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS_MAX, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS_MAX)
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(connection):
        connection.request("POST", path, json.dumps(said).encode(), {"content-type": "application/json"})
        return connection.getresponse().status


def _slack(text: str) -> str:
    """Keep text from being read as Slack's markup: nobody is mentioned by the title of an alert."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
