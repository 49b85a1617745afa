"""Tickets: proofs, made with the shared secret, that somebody showed it. Pure; the caller says what time it is.

A ticket is good for one purpose until one moment: `SESSION` is what a browser's cookie holds, `LIVE` is what a page
hands to its socket. It tells nothing of the secret, so it may be seen where the secret may not; who has the secret
checks it without having kept anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

SESSION, LIVE = "session", "live"
SESSION_SECONDS = 7 * 86400  # A week without typing it again.
LIVE_SECONDS = 600  # A page makes a new one at each of its runs; a socket, once open, stays open.
TICKET_CHARS_MAX = 200

_VERSION = "rc1"


def mint(secret: str, purpose: str, *, now: float, seconds: float) -> str:
    """Make a ticket, good until `now + seconds`."""
    body = f"{_VERSION}.{purpose}.{int(now + seconds)}.{secrets.token_hex(8)}"
    return f"{body}.{_sign(secret, body)}"


def is_good(secret: str, ticket: str, purpose: str, *, now: float) -> bool:
    """Whether a ticket is one of ours, for this purpose, and not run out."""
    if len(ticket) > TICKET_CHARS_MAX or not ticket.isascii():
        return False
    body, _, signature = ticket.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, body).encode()):
        return False
    # Signed by us, so it has these four parts.
    version, meant, until, _ = body.split(".")
    return version == _VERSION and meant == purpose and now < int(until)


def same(secret: str, shown: str) -> bool:
    """Compare a secret with what somebody showed, in a time that tells nothing."""
    return hmac.compare_digest(
        hashlib.sha256(secret.encode()).digest(), hashlib.sha256(shown.encode("utf-8", "replace")).digest()
    )


def _sign(secret: str, body: str) -> str:
    key = hashlib.sha256(b"runcast tickets\0" + secret.encode()).digest()
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()
