"""The command line: parses, calls the library inside its commands, maps errors to exit codes.

Results go to stdout, words and progress to stderr. Everything heavy is imported inside a command, so
that `--help` is quick.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.catalogue import catalogue
from outage_analysis.complaints import complaints
from outage_analysis.console import print_json, print_line, progress, tell_rejects
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError
from outage_analysis.exploring import exploring
from outage_analysis.figures import cost_answer, print_costs, tell_examples
from outage_analysis.modelling import modelling
from outage_analysis.options import (
    AsOf,
    Bom,
    Budget,
    ClaimFiles,
    ColumnPages,
    Compare,
    Counts,
    Draws,
    Formats,
    Hindsight,
    Incident,
    Json,
    Ledger,
    MaxRejects,
    Memory,
    Policy,
    Seed,
    Temp,
    Threads,
    plan_of,
)
from outage_analysis.publishing import publishing
from outage_analysis.starting import starting
from outage_analysis.verification import verification

OBJECTS = 100_000
"""Made before Python looks for unused ones that hold each other; by default 700."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Turns outage complaints into a compensation cost that an executive can defend.\n\n"
    "Start with `outage-analysis report`: it writes the report of the bundled case, the "
    "Kakao outage of October 2022. Then give your own: --incident, --policy and --ledger take a "
    "bundled id or a path to your TOML, --claims your files.",
    epilog="Exit codes: 0 done, 1 a verification or a notebook failed, 2 wrong usage, 3 data refused, "
    "4 blocked for privacy, 5 the model refuses to answer, 6 the environment failed.",
)
app.add_typer(starting)
app.add_typer(complaints)
app.add_typer(exploring)
app.add_typer(modelling)
app.add_typer(verification)
app.add_typer(catalogue)
app.add_typer(publishing)


def main() -> None:
    """Run the command; a user's error is one line on stderr and an exit code."""
    # To look for garbage among what was just loaded, and again at the end, was a tenth of a short command.
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)
    if hasattr(signal, "SIGPIPE"):  # a reader that has seen enough ends us quietly, as it ends any command
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        app()
    except OutageAnalysisError as error:
        _fail(error)
    except OSError as error:
        room = "Free disk space; for what is temporary, name a larger folder: --temp."
        remedy = room if error.errno == errno.ENOSPC else ""
        _fail(EnvironmentFailed(error.strerror or str(error), file=error.filename, remedy=remedy))


def _fail(error: OutageAnalysisError) -> None:
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(error.exit_code)


@app.callback()
def limited(
    context: typer.Context, memory: Memory = None, threads: Threads = None, temp: Temp = None
) -> None:
    """The options before a command: what the engine may take of the machine."""
    if context.invoked_subcommand != "lab":  # whose kernels are the user's own
        # No matrix here is large: to begin threads for them takes longer than they do.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if memory is None and threads is None and temp is None:
        return
    from outage_analysis.claims import Limits, limits

    token = limits.set(Limits(memory or Limits.memory, threads, temp))
    context.call_on_close(lambda: limits.reset(token))


@app.command()
def report(
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    columns: ColumnPages = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    hindsight: Hindsight = True,
    compare: Compare = None,
    budget: Budget = None,
    draws: Draws = None,
    seed: Seed = None,
    lang: Annotated[str, typer.Option(help="Language of the report: en or ko.")] = "en",
    formats: Formats = None,
    bom: Bom = False,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/report"),
    force: Annotated[bool, typer.Option("--force", help="Replace a report that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the report in every format, with a manifest and checksums that `verify` checks.

    The folder appears whole or not at all. The last line on stdout is the path of the page. Examples:

        outage-analysis report --as-of 2022-12-30 --out build/report

        outage-analysis report --lang ko --formats html,csv --bom
    """
    from outage_analysis.analysis import run
    from outage_analysis.reports import FORMATS, check_output_options, write_report

    chosen = tuple(FORMATS) if formats is None else tuple(name.strip() for name in formats.split(","))
    plan = plan_of(
        incident,
        policy,
        ledger,
        claims,
        columns,
        counts,
        as_of,
        max_rejects,
        hindsight=hindsight,
        compare=compare,
        budget=budget,
        draws=draws,
        seed=seed,
    )
    check_output_options(out, lang=lang, force=force, formats=chosen)
    with progress() as step:
        analysis = run(plan, progress=step)
        analysis.refuse_idle_budget()
        step("writing the report")
        written = write_report(analysis, out, lang=lang, force=force, formats=chosen, bom=bom)
    tell_rejects(analysis.claims)
    tell_examples(analysis)
    _tell(written, as_json=as_json)


def _tell(written: Path, *, as_json: bool) -> None:
    """Print which report was written; as JSON, all of its files."""
    if not as_json:
        print_line(str(written))
        return
    from outage_analysis.reports import read_manifest

    out = written.parent
    names = [*read_manifest(out).outputs, "manifest.json", "SHA256SUMS"]
    files = [str(out / name) for name in names]
    print_json({"report": str(written), "manifest": str(out / "manifest.json"), "files": files})


@app.command()
def cost(
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    columns: ColumnPages = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    budget: Budget = None,
    draws: Draws = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Print the cost: expected, how unsure it is, and by cost line, service and loss band.

    P10 to P90 hold the total in eight of ten cases; low and high put every input at its stated end. Cash and
    the face value of free goods are never added. Works from claim files, or from totals alone. Examples:

        outage-analysis cost --budget 300_000_000

        outage-analysis cost --counts totals.csv --json
    """
    from outage_analysis.analysis import price

    plan = plan_of(
        incident,
        policy,
        ledger,
        claims,
        columns,
        counts,
        as_of,
        max_rejects,
        budget=budget,
        draws=draws,
        seed=seed,
    )
    with progress() as step:
        analysis = price(plan, progress=step)
    analysis.refuse_idle_budget()
    tell_rejects(analysis.claims)
    tell_examples(analysis)
    if as_json:
        print_json(cost_answer(analysis))
    else:
        print_costs(analysis)
