"""The Health page in a real browser: live figures, troubles in words, and strangers' text as text."""

from __future__ import annotations

import json

from playwright.sync_api import Route, expect
from tests.browser.conftest import Open
from tests.browser.stage import Stage

HOSTILE = "p/<img src=x onerror=alert(1)>"


def test_health_is_shown_live_and_what_is_wrong_in_words(stage: Stage, visit: Open) -> None:
    page = visit(f"{stage.url}/health")
    expect(page.locator(".h-word.good b")).to_have_text("All is well.", timeout=60_000)
    expect(page.locator(".h-shard")).to_have_count(16)
    expect(page.locator(".h-figure", has_text="Commits").locator("b")).to_contain_text("/s", timeout=20_000)
    first = page.locator(".h-figure").first.element_handle()

    def troubled(route: Route) -> None:
        said = json.loads(route.fetch().body())
        said["level0_events"] = 501
        said["troubles"] = [{"level": "error", "what": "Redis does not answer.", "next": "Look at it."}]
        entry = {"kind": "gap", "reason": HOSTILE, "shard": 1, "entry": "1-0", "path": HOSTILE, "writer": "a"}
        said["quarantine"] = [entry | {"first": 1, "last": 2, "received": "2026-01-01T00:00:00Z", "size": 10}]
        held = {"run": HOSTILE, "name": HOSTILE, "host": "node-1", "writer": "a", "events": 12, "seconds": 720}
        said["backlogs"] = [held | {"bytes": 120 * 2**20}, held | {"bytes": 2**20, "run": "p/other"}]
        route.fulfill(json=said)

    page.route("**/api/v1/health?*", troubled)
    expect(page.locator(".h-word.error b")).to_have_text("Redis does not answer.", timeout=20_000)
    expect(page.locator(".rh td", has_text="<img").first).to_be_visible()
    expect(page.locator(".h-figure", has_text="Waits for compaction").locator("b")).to_have_text("501 events")
    expect(page.locator(".rh tr", has_text="node-1").first).to_contain_text("120 MiB12:00")
    expect(page.locator(".rh tr", has_text="all 2")).to_contain_text("24121 MiB")
    assert page.locator(".rh img").count() == 0
    page.route("**/api/v1/health?*", lambda route: route.abort())
    expect(page.locator(".h-word.error b")).to_have_text("The service does not answer.", timeout=20_000)
    page.unroute("**/api/v1/health?*")
    expect(page.locator(".h-word.good b")).to_have_text("All is well.", timeout=20_000)
    assert first is not None
    assert first.evaluate("node => node.isConnected")  # The same node all along: nothing was drawn anew.
