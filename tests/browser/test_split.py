"""A dashboard apart from its service, both behind one token."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect
from tests.browser.board import points, ready
from tests.browser.conftest import Open
from tests.browser.stage import command, free_port, service

SECRET = "a-secret-of-some-length"


def test_whoever_shows_the_token_sees_the_runs_of_a_service_elsewhere(visit: Open) -> None:
    """The page comes from one address, its points from another: a ticket, not the token, opens the socket."""
    page_at = f"http://127.0.0.1:{free_port()}"
    with (
        tempfile.TemporaryDirectory(prefix="rc-") as folder,
        service(Path(folder), "--no-dashboard", RUNCAST_TOKEN=SECRET, RUNCAST_ORIGINS=page_at) as stage,
        command(
            stage,
            "dashboard",
            *("--server", stage.url, "--port", page_at.rpartition(":")[2], "--no-open"),
            health=f"{page_at}/healthz",
        ),
    ):
        stage.train(
            """
            runcast.init(project="apart", id="one")
            for step in range(30):
                runcast.log({"loss": step})
            runcast.finish()
            """
        )
        page = visit(page_at)
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        expect(page.locator(".rc")).to_have_count(0)
        page.get_by_label("Token").fill(SECRET)
        page.get_by_role("button").click()
        ready(page)
        page.wait_for_function("__rc.board.toolbar.state === 'live'")
        page.wait_for_timeout(500)
        assert points(page, "one", "loss")[0] == list(range(30))
        assert f"{stage.url.replace('http', 'ws')}/live" in sockets
        page.get_by_role("link", name="Runs").click()
        expect(page.locator(".t-name")).to_have_count(1, timeout=30_000)  # By way of the page's own address.
        assert SECRET not in page.content()
