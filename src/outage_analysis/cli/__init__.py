"""The command line: options and arguments come in; printed results, files and an exit code go out.

The commands are in four modules: report, claims, lookup and notebooks. They share console.py: options that
several commands have, how their values are parsed, and printing any result.
A command gets a result from the library, and `Output` prints it. The packages of the
library import their modules when they are first used, so that `--help` starts quickly.
"""

from __future__ import annotations

import atexit
import codecs
import errno
import gc
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from outage_analysis.cli import claims, lookup, notebooks, report
from outage_analysis.cli.console import expand_options, print_line
from outage_analysis.errors import (
    REPORT_BUG,
    EnvironmentFailed,
    OutageAnalysisError,
    on_command_line,
    one_line,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Turns outage complaints into a compensation cost that an executive can defend.\n\n"
    "Start with `outage-analysis report`: it writes the report of the bundled case, the "
    "Kakao outage of October 2022. Then use your own inputs: --incident, --policy and --ledger take a "
    "bundled id or a path to your TOML file, --claims takes your files.",
    epilog="Exit codes: 0 done, 1 a verification or a notebook failed, 2 wrong usage, 3 data refused, "
    "4 blocked for privacy, 5 the model refuses to answer, 6 the environment failed.",
)


for title, commands in (
    ("Report and cost", report.commands),
    ("Claims", claims.commands),
    ("Explore", claims.exploring),
    ("Decide", report.decisions),
    ("Look up", lookup.commands),
    ("Projects and notebooks", notebooks.commands),
):
    parts: list[Any] = [*commands.registered_commands, *commands.registered_groups]
    for part in parts:
        part.rich_help_panel = title
    app.add_typer(commands)


def main() -> None:
    """Run a command. If it fails, print the error on stderr as one line, and exit with its exit code."""
    # Garbage collection is made rare and is skipped at exit. Otherwise it would take a tenth of the running
    # time of a short command.
    gc.set_threshold(100_000)  # new objects; the default is 700
    atexit.register(gc.freeze)
    # A pipe that closes early, as in `outage-analysis facts | head`, must not cause an error message.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    codecs.register_error("in_ascii", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="in_ascii")
    try:
        app()
    except OutageAnalysisError as error:
        _exit_with(error)
    except OSError as error:
        more_space = "Free disk space; for what is temporary, name a larger folder: --temp."
        remedy = more_space if error.errno == errno.ENOSPC else ""
        _exit_with(EnvironmentFailed(error.strerror or str(error), file=error.filename, remedy=remedy))
    except BaseException as error:
        # Polars raises this for what it did not expect, and if Ctrl-C comes while it calls Python.
        if type(error).__name__ != "PanicException":
            raise
        if "KeyboardInterrupt" in str(error):
            raise SystemExit(128 + signal.SIGINT) from None
        _exit_with(EnvironmentFailed(one_line(error), remedy=REPORT_BUG))


def _in_ascii(error: Any) -> tuple[str, int]:  # noqa: ANN401 - it is used to encode only
    """Return what is printed for characters that stdout lacks: hyphens for lines, escapes for others."""
    return json.dumps(error.object[error.start : error.end].replace("─", "-"))[1:-1], error.end


def _exit_with(error: OutageAnalysisError) -> None:
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(error.exit_code)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib.metadata import version

        print_line(version("outage-analysis"))
        raise typer.Exit


@app.callback()
@expand_options()
def set_engine_limits(
    context: typer.Context,
    memory: Annotated[
        str | None,
        "The most memory that the engine uses, as 4GB or 50%; the rest goes to --temp. By default "
        "half of the machine's memory.",
    ] = None,
    threads: Annotated[int | None, "Threads of the engine. By default one per core."] = None,
    temp: Annotated[
        Path | None,
        "Folder for copies and for data that does not fit into memory. By default the system's "
        "folder for temporary files.",
    ] = None,
    _version: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Apply the options that precede the command: memory, threads and temporary folder of the SQL engine."""
    running = on_command_line.set(True)
    context.call_on_close(lambda: on_command_line.reset(running))
    # `lab` starts notebooks that run the user's own code, so it does not limit their threads.
    if context.invoked_subcommand != "lab":
        # With several threads, the last digits of a long dot product would depend on the number of cores.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if memory is None and threads is None and temp is None:
        return
    from outage_analysis.claims import Limits, limits

    token = limits.set(Limits(memory or Limits.memory, threads, temp))
    context.call_on_close(lambda: limits.reset(token))
