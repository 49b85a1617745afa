"""`runcast ls`: projects, or a project's runs."""

from __future__ import annotations

import json

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service


@click.command()
@click.argument("project", required=False)
@click.option("--state", metavar="STATE", help="Only runs that are running, finished, failed or crashed.")
@click.option("--filter", "wanted", metavar="FILTER", help="Only runs that fit, such as 'config.lr < 0.01'.")
@click.option(
    "--sort",
    metavar="FIELD",
    default="-created",
    show_default=True,
    help="A field such as created, name, duration or config.lr; with - the largest first.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    default=50,
    show_default=True,
    help="At most so many runs.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as the API gives it.")
@server_option
def ls(
    project: str | None,
    state: str | None,
    wanted: str | None,
    sort: str,
    limit: int,
    as_json: bool,
    server: str | None,
) -> None:
    """List projects, or a project's runs.

    \b
    runcast ls
    runcast ls mnist --state running
    runcast ls mnist --filter 'config.lr < 0.01 and "best" in tags' --sort=-summary.acc
    """
    service = Service.find(server)
    if project is None:
        found = service.projects()
    else:
        found = list(service.runs(project, limit=limit, state=state, filter=wanted, sort=sort))
    if as_json:
        for item in found:
            click.echo(json.dumps(item))
    elif not found and project is None:
        click.echo("no projects yet; the first run that is logged makes one")
    elif not found:
        said = f"no {state} runs in {project}" if state else f"no runs in {project}"
        click.echo(f"{said} fit the filter" if wanted else said)
    elif project is None:
        table.print_table(
            ["PROJECT", "RUNS", "UPDATED"],
            [(item["name"], item["runs"], table.moment(item.get("updated"))) for item in found],
            right=[1],
        )
    else:
        table.print_table(
            ["ID", "NAME", "STATE", "STEPS", "CREATED", "DURATION"],
            [
                (
                    run["id"],
                    run["name"],
                    run["state"],
                    run.get("steps", ""),
                    table.moment(run.get("created")),
                    table.duration(run.get("duration")),
                )
                for run in found
            ],
            right=[3, 5],
        )
