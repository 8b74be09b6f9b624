"""The `tracker` command. One file per group of commands, each thin: parse, call, print.

Exit codes: 0 done; 1 the answer is no (a check failed, nothing found where something was demanded); 2 wrong use of
the command line; 3 configuration; 4 rules and other YAML files; 5 sources and input files; 6 database; 7 delivery;
130 interrupted.
"""

from __future__ import annotations

import os
import sys

from rich.markup import escape

from tracker.cli.app import app
from tracker.cli.output import errors
from tracker.errors import TrackerError


def main() -> None:
    """Entry point: every mistake a user can make ends in one clear message, never a traceback."""
    try:
        app()
    except TrackerError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the reader of our output went away (`| head`): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


__all__ = ["main"]
