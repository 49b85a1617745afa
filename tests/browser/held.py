"""Requests of a page that wait until a test lets them go on."""

from __future__ import annotations

from playwright.sync_api import Page, Route


def hold(page: Page, url: str) -> list[Route]:
    """Hold what a page asks from now on; each comes into the list, and goes on by its `continue_()`."""
    held: list[Route] = []

    def take(route: Route) -> None:
        held.append(route)

    page.route(url, take)
    return held
