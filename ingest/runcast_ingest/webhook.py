"""Send alerts to the one address that the operator configured, at least once each, in the order in which they came.

What is to be sent stands in the store until the other side has said that it has it, so neither a restart nor a
receiver that is away loses an alert. The oldest goes first, and while the receiver is away, or asks for patience, all
wait. An alert that it refuses (3xx, 4xx) steps aside, as others may be welcome: those that were never refused go before
it. Of the refused ones the oldest alone is tried again, until it is taken, or has been refused for an hour.

Nobody but the operator names an address, and redirects are not followed; the address may be a secret, so nothing here
repeats more of it than the host.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from runcast_ingest.api.answers import moment
from runcast_ingest.store import Delivery, Store

log = logging.getLogger(__name__)

ANSWER_SECONDS_MAX = 10.0  # From the first look for the host to the status.
PAUSE_SECONDS = (1.0, 300.0)  # The first pause between two tries, and the longest; each is double the one before.
REFUSED_SECONDS_MAX = 3600.0  # Of an alert that the receiver does not want: time to put a wrong address right.
WAIT_SECONDS_MAX = 86_400.0  # Of an alert whose receiver is away.
LOOK_SECONDS = 30.0  # Between two looks into the store when nobody wakes us.
SETTLE_SECONDS = 5.0  # Between two tries to write down what became of an alert.
MARKS = {"INFO": "\u2139\ufe0f", "WARN": "\u26a0\ufe0f", "ERROR": "\U0001f6a8"}
_WAIT = {408, 425, 429}  # Of 4xx, those that say: later.


class Webhook:
    """Delivers what the store holds for it."""

    def __init__(self, store: Store, url: str, *, pause: tuple[float, float] = PAUSE_SECONDS) -> None:
        self._store, self._url = store, url
        self._away, self._refused = _Pauses(*pause), _Pauses(*pause)
        self._unsettled: Callable[[], Awaitable[None]] | None = None  # What became of the alert that was posted last.
        self._due = asyncio.Event()
        self.host = urlsplit(url).hostname or ""
        self.said = ""  # What came of the last try, where the alert was not taken.
        self.given_up = 0
        store.deliver()

    def wake(self) -> None:
        """Look at once: something was stored."""
        self._due.set()

    async def run(self) -> None:
        """Deliver, for as long as the service lives."""
        while True:
            self._due.clear()
            wait = await self._next()
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._due.wait()

    async def _next(self) -> float:
        """Deliver the next one; says how long to wait for another."""
        if not await self._settle():
            return SETTLE_SECONDS
        if self._away.left > 0:
            return min(self._away.left, LOOK_SECONDS)
        try:
            found = await self._store.next_delivery()
        except sqlite3.Error as error:
            log.error("cannot read which alerts are to be sent: %s; trying again", error)
            return LOOK_SECONDS
        if found is None:
            return LOOK_SECONDS
        if found.refused and self._refused.left > 0:
            return min(self._refused.left, LOOK_SECONDS)
        status = await self._post(found)
        if 200 <= status < 300:
            self._took(found)
        elif 300 <= status < 500 and status not in _WAIT:
            self._refuses(found)
        else:
            self._is_away(found)
        return 0.0

    async def _settle(self) -> bool:
        """Write down what became of the last alert: sent before that, it would be sent again and again."""
        if self._unsettled is not None:
            try:
                await self._unsettled()
            except sqlite3.Error as error:
                log.error("cannot write down what the webhook answered: %s; nothing is sent until it is", error)
                return False
            self._unsettled = None
        return True

    async def _post(self, found: Delivery) -> int:
        """Send an alert, and return the status that was answered, or 0."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                status = await post(self._url, message(found))
        except TimeoutError:
            status, said = 0, f"it did not answer within {ANSWER_SECONDS_MAX:g} s"
        except OSError as error:
            status, said = 0, f"it did not answer: {error.strerror or error}"
        except ValueError as error:  # Its text may hold what is a secret.
            status, said = 0, f"what it answered is no HTTP ({type(error).__name__})"
        else:
            said = f"it answered {status}"
        if not 200 <= status < 300:
            self.said = said
        return status

    def _took(self, found: Delivery) -> None:
        self._away.end()
        if found.refused:
            self._refused.end()
        if not self._refused.going:
            self.said = ""
        self._unsettled = partial(self._store.settle_delivery, found.alert.key)

    def _refuses(self, found: Delivery) -> None:
        self._away.end()  # It answers.
        key = found.alert.key
        if found.refused and time.time_ns() - found.refused > REFUSED_SECONDS_MAX * 1e9:
            self._refused.end()
            self._give_up(key)
            return
        if found.refused or not self._refused.going:
            self._refused.begin()
        if not found.refused:
            self._unsettled = partial(self._store.refuse_delivery, key, time.time_ns())
        log.warning("the webhook at %s does not want alert %d: %s; it steps aside", self.host, key, self.said)

    def _is_away(self, found: Delivery) -> None:
        pause = self._away.begin()
        if time.time_ns() - found.since > WAIT_SECONDS_MAX * 1e9:
            self._give_up(found.alert.key)
            return
        key = found.alert.key
        log.warning("the webhook at %s did not take alert %d: %s; again in %.0f s", self.host, key, self.said, pause)

    def _give_up(self, key: int) -> None:
        self.given_up += 1
        self._unsettled = partial(self._store.settle_delivery, key)
        log.error("the webhook at %s never took alert %d: %s; gave it up", self.host, key, self.said)


class _Pauses:
    """Pauses between tries that fail one after another, each double the one before."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most
        self._begun = 0
        self._until = 0.0  # On the monotonic clock.

    def begin(self) -> float:
        """Pause from now on; says for how long."""
        pause = min(self._least * 2.0 ** min(self._begun, 30), self._most)
        self._begun += 1
        self._until = time.monotonic() + pause
        return pause

    def end(self) -> None:
        """Pause no more: a try did not fail."""
        self._begun, self._until = 0, 0.0

    @property
    def going(self) -> bool:
        """Whether the last try failed."""
        return self._begun > 0

    @property
    def left(self) -> float:
        """The seconds that are left of the pause; below 0, where it is over."""
        return self._until - time.monotonic()


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


async def post(url: str, said: dict[str, Any]) -> int:
    """Send JSON, and return the status that was answered; raises OSError, and ValueError where that is no HTTP.

    Whoever cancels it waits for nothing: a thread that hangs in a socket would hold up the end of the service.
    """
    parts = urlsplit(url)
    trusted = await asyncio.to_thread(_trusted) if parts.scheme == "https" else None
    port = parts.port or (80 if trusted is None else 443)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = json.dumps(said).encode()
    head = [
        f"POST {target} HTTP/1.1",
        f"host: {parts.netloc}",
        "user-agent: runcast",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=trusted)
    try:
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        while True:
            status = _status(await reader.readline())
            if status >= 200:
                return status
            while (await reader.readline()).strip():
                pass  # Of an answer that only announces one.
    finally:
        writer.transport.abort()  # A farewell would be waited for.


def _status(line: bytes) -> int:
    words = line.split()
    if not line:
        raise ConnectionResetError("it closed the connection")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise ValueError("no status line")
    return int(words[1])


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _slack(text: str) -> str:
    """Keep text from being read as Slack's markup: nobody is mentioned by the title of an alert."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
