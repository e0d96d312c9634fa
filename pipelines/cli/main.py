"""Run the command line."""

from __future__ import annotations

import sys
from typing import Any

import typer

from pipelines.cli.app import app

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
_USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")


def _complain(message: str) -> None:
    typer.echo(f"humanverse: {message}", err=True)


def _named() -> str:
    """The command whose words could not be parsed, as the user named it."""
    command: Any = typer.main.get_command(app)
    path = ["humanverse"]
    for word in sys.argv[1:]:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        path.append(word)
    return " ".join(path)


def main() -> None:
    """Run the command line; an error that a user can mend is one line and exit code 2."""
    from humanverse.errors import UserError

    try:
        code = app(prog_name="humanverse", standalone_mode=False) or 0
    except UserError as error:
        _complain(str(error))
        code = 2
    except _USAGE_ERROR as error:
        if message := error.format_message():
            _complain(f"{message.rstrip('.')}: see {error.ctx.command_path if error.ctx else _named()} --help")
        code = 2
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED:
        _complain("stopped; run the same command again to go on")
    sys.exit(code)
