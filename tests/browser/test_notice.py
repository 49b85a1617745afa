"""What is wrong behind a board is said on it, in words, and goes when it is over."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect
from tests.browser.board import ready
from tests.browser.conftest import Open
from tests.browser.line import line_to
from tests.browser.stage import Stage, service

from runcast_ingest import embedded

ASKED_MS = 25_000  # The board asks every ten seconds, and the service may take some to notice.


def test_a_redis_that_is_away_is_said_until_it_is_back(visit: Open) -> None:
    with tempfile.TemporaryDirectory(prefix="rc-") as streams, tempfile.TemporaryDirectory(prefix="rc-") as folder:
        server = embedded.start(Path(streams))
        try:
            with service(Path(folder), RUNCAST_URL=server.url) as stage:
                stage.train("runcast.init(project='p')\nfor s in range(20): runcast.log({'loss': s})")
                page = visit(f"{stage.url}/?project=p")
                ready(page)
                notice = page.locator(".notice")
                expect(notice).to_be_hidden()
                embedded.stop(Path(streams))
                expect(notice).to_contain_text("Redis does not answer.", timeout=ASKED_MS)
                expect(notice.get_by_role("link", name="Health")).to_have_attribute("href", f"{stage.url}/health")
                notice.get_by_role("button", name="Put this away").click()
                expect(notice).to_be_hidden()
                page.reload()
                ready(page)
                expect(notice).to_contain_text("Redis does not answer.", timeout=ASKED_MS)
                embedded.start(Path(streams))
                expect(notice).to_be_hidden(timeout=ASKED_MS)
        finally:
            embedded.stop(Path(streams))


def test_a_service_that_is_away_is_said_by_whoever_shows_its_runs(stage: Stage, visit: Open) -> None:
    stage.train("runcast.init(project='away')\nfor s in range(20): runcast.log({'loss': s})")
    port = urlsplit(stage.url).port
    assert port
    with line_to(port) as line:
        page = visit(f"http://127.0.0.1:{line.port}/?project=away")
        ready(page)
        expect(page.locator(".rc .plot")).to_have_attribute("aria-label", re.compile("1 curve"), timeout=ASKED_MS)
        line.cut()
        expect(page.locator(".notice")).to_contain_text("No connection to the service.", timeout=ASKED_MS)
        # What is there stays, and works: nothing lies over it.
        page.wait_for_timeout(3000)
        assert page.get_by_role("dialog").count() == 0
        page.locator(".rc .plot").hover()
        expect(page.locator(".tip-row:visible")).to_have_count(1)
        line.join()
        expect(page.locator(".notice")).to_be_hidden(timeout=ASKED_MS)
