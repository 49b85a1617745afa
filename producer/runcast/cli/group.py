"""A group of commands whose modules load when they are called, and not for `--help`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

import click

from runcast.errors import ServerMissing

_ALL = "pip install 'runcast[all]'"


def load(module: str, command: str) -> Any:
    """Import a module of a command; raises ServerMissing with the install line when an extra is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "runcast":
            raise
        raise ServerMissing(f"`runcast {command}` needs {missing}, which is not installed; {_ALL}") from error


class LazyGroup(click.Group):
    """Commands by name; each is the function of its name in `package.<name>`, as far as Python allows that name."""

    def __init__(self, *args: Any, commands_of: Mapping[str, str], package: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._commands_of, self._package = commands_of, package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order in which they are taught."""
        del ctx
        return list(self._commands_of)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, or None when there is none of this name."""
        del ctx
        if cmd_name not in self._commands_of:
            return None
        name = cmd_name.replace("-", "_") + ("_" if iskeyword(cmd_name) else "")
        command: click.Command = getattr(load(f"{self._package}.{name}", cmd_name), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._commands_of.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one whose reader has seen enough (`… | head`) is done, and nothing is wrong."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still buffered must not fail once more when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(0) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown one is answered with the nearest."""
        if args and args[0] not in self._commands_of and not args[0].startswith("-"):
            near = [name for name in self._commands_of if name.startswith(args[0][:2])]
            hint = f"; did you mean {' or '.join(near)}?" if near else "; `runcast --help` lists them"
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)
