"""`runcast alert`: the rules by which a project's runs are watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from runcast import rules
from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service, rules_path


@click.group()
def alert() -> None:
    """Say what a project wants to be told of.

    Rules are judged as rows arrive. What they say stands beside the alerts of the program, on the live board, and goes
    to the webhook if the service has one (RUNCAST_WEBHOOK). Each speaks once for each episode. Every project
    begins with two: any metric is NaN or infinite, and a run fails.

    \b
    runcast alert add mnist 'loss > 3'
    runcast alert add mnist 'lr == 0 for 5m' --level error
    runcast alert add mnist 'val/loss not falling for 1000 steps'
    runcast alert add mnist 'acc not rising for 2h'
    runcast alert add mnist 'grad/* is nan'
    runcast alert add mnist 'gpu idle for 10m'
    runcast alert add mnist 'run silent for 5m'
    runcast alert list mnist
    runcast alert remove mnist nan
    """


@alert.command()
@click.argument("project")
@click.argument("rule")
@click.option("--name", default="", help="How it is called; default: by what it says.")
@click.option(
    "--level",
    type=click.Choice(rules.LEVELS, case_sensitive=False),
    default=None,
    help="How bad it is; default: WARN, and ERROR for NaN and failures.",
)
@server_option
def add(project: str, rule: str, name: str, level: str | None, server: str | None) -> None:
    """Add RULE to a project, with --name in the place of one that has it.

    \b
    METRIC > 3            also >= < <= == !=, and `for 5m` behind it
    METRIC is nan         NaN or infinite
    METRIC not falling for 1000 steps     or rising, or a time such as 30m
    run fails             it crashed, or ended with an error
    run silent for 5m     no heartbeat of any of its processes for so long
    gpu idle for 10m      each GPU that is used for less than 5 %

    A * in METRIC stands for anything; one with spaces stands in double quotes.
    """
    rules.parse(rule, name=name, level=level or "")  # What is wrong with it is said without asking anybody.
    said = {"text": rule, "name": name, "level": level or ""}
    added = Service.find(server).post(rules_path(project), said)
    words = f"{table.plain(project)} has the rule {added['name']}: {table.plain(added['text'])} ({added['level']})"
    before = added.get("replaced")
    click.echo(f"{words}, in the place of {table.plain(before)}" if before and before != added["text"] else words)


@alert.command("list")
@click.argument("project")
@server_option
def list_(project: str, server: str | None) -> None:
    """List a project's rules."""
    _print(Service.find(server).get(rules_path(project))["rules"])


@alert.command()
@click.argument("project")
@click.argument("name")
@server_option
def remove(project: str, name: str, server: str | None) -> None:
    """Remove the rule called NAME; what it said so far stays."""
    Service.find(server).delete(f"{rules_path(project)}/{quote(name, safe='')}")
    click.echo(f"{table.plain(project)} has no rule {table.plain(name)} any more")


def _print(found: list[Mapping[str, Any]]) -> None:
    if not found:
        click.echo("no rules; `runcast alert add --help` shows some")
        return
    rows = [(rule["name"], rule["text"], rule["level"]) for rule in found]
    table.print_table(("name", "rule", "level"), rows)
