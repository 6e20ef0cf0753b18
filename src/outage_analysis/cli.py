"""The command line: parses, calls the library inside its commands, maps errors to exit codes.

Results go to stdout, words and progress to stderr. Everything heavy is imported inside a command, so
that `--help` is quick.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.catalogue import catalogue
from outage_analysis.console import print_costs, print_json, print_line, print_table, progress
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.options import (
    AsOf,
    ClaimFiles,
    Counts,
    Files,
    Incident,
    Json,
    Ledger,
    MaxRejects,
    Policy,
    plan_of,
    share,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Turns outage complaints into a compensation cost that an executive can defend.\n\n"
    "Start with `outage-analysis report`: it writes the report of the bundled case, the "
    "Kakao outage of October 2022. Then give your own: --incident, --policy and --ledger take a "
    "bundled id or a path to your TOML, --claims your files.",
    epilog="Exit codes: 0 done, 1 a verification failed, 2 wrong usage, 3 data refused, 4 blocked for "
    "privacy, 5 the model refuses to answer, 6 the environment failed.",
)
app.add_typer(catalogue)


def main() -> None:
    """Run the command; a user's error is one line on stderr and an exit code."""
    if hasattr(signal, "SIGPIPE"):  # a reader that has seen enough ends us quietly, as it ends any command
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        app()
    except OutageAnalysisError as error:
        _fail(error)
    except OSError as error:
        _fail(EnvironmentFailed(error.strerror or str(error), file=error.filename))


def _fail(error: OutageAnalysisError) -> None:
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(error.exit_code)


@app.command()
def report(
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    hindsight: Annotated[bool, typer.Option(help="Show, apart, what came out after the as-of day.")] = True,
    lang: Annotated[str, typer.Option(help="Language of the report: en or ko.")] = "en",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/report"),
    force: Annotated[bool, typer.Option("--force", help="Replace a report that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the report: one offline HTML page, tables as CSV and Parquet, a manifest.

    The last line on stdout is the path of the page. Example:

        outage-analysis report --as-of 2022-12-30 --out build/report
    """
    from outage_analysis.pipeline import run
    from outage_analysis.reports import write_report

    plan = plan_of(incident, policy, ledger, claims, counts, as_of, max_rejects, hindsight=hindsight)
    with progress() as step:
        analysis = run(plan, progress=step)
        step("writing the report")
        written = write_report(analysis, out, lang=lang, force=force)
    if as_json:
        print_json({"report": str(written), "manifest": str(written.parent / "manifest.json")})
    else:
        print_line(str(written))


@app.command()
def ingest(
    files: Files,
    *,
    incident: Incident = "kakao-2022",
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Read complaint files and account for every row: rows = claims + rejects.

    Prints the reconciliation per file, the rules broken, and the first rejects with file, row, column,
    value and remedy. Example:

        outage-analysis ingest complaints.csv --incident my-outage.toml
    """
    from outage_analysis.claims import explain, read_claims
    from outage_analysis.incidents import load_incident

    with progress() as step:
        step("reading the files")
        claims = read_claims(files, load_incident(incident), max_rejects=share(max_rejects))
    rejects = claims.rejects
    first = [str(explain(claims, row)) for row in rejects.head(10).iter_rows(named=True)]
    if as_json:
        print_json(
            {
                "files": claims.files.to_dicts(),
                "rules": claims.broken_rules().to_dicts(),
                "synthetic": claims.synthetic,
                "first_rejects": first,
            }
        )
        return
    print_table(claims.files, "Every row is one claim or one reject")
    if len(rejects):
        print_table(claims.broken_rules(), "Rules broken (a reject may break several)")
    for line in first:
        print_line(line)
    if len(rejects) > len(first):
        print_line(f"and {len(rejects) - len(first):,} more rejects")


@app.command()
def cube(
    files: Files,
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    by: Annotated[
        str,
        typer.Option(
            help="Dimensions, separated by commas: service, claimant_type, filed_on or one of the incident's."
        ),
    ] = "service,claimant_type",
    out: Annotated[Path | None, typer.Option(help="Write .csv or .parquet instead of printing.")] = None,
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Aggregate claims by dimensions and loss band: claims, loss, loss squared.

    Bands are a fine grid with the policy's edges. A band holds losses over `over`, up to and including
    `up_to`; both empty means unknown. Example:

        outage-analysis cube complaints.csv --by service --out cube.parquet
    """
    from outage_analysis.aggregation import build_cube
    from outage_analysis.claims import read_claims
    from outage_analysis.incidents import load_incident
    from outage_analysis.policies import load_policy
    from outage_analysis.reports import write_table

    page = load_incident(incident)
    edges = load_policy(policy or page.id)
    with progress() as step:
        step("reading the files")
        claims = read_claims(files, page, max_rejects=share(max_rejects))
        step("building the cube")
        built = build_cube(claims, dimensions=tuple(d.strip() for d in by.split(",")), policy=edges)
    if out:
        if out.exists():
            raise UsageError("exists already", file=out, remedy="Choose another --out.")
        write_table(built.frame, out)
        print_line(str(out))
    elif as_json:
        print_json({"synthetic": built.synthetic, "rows": built.frame.to_dicts()})
    else:
        print_table(built.frame, "Synthetic rows" if built.synthetic else "Claims by band")


@app.command()
def cost(
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Print the cost by cost line, service and loss band: low, expected, high.

    Low and high are bounds, not a likely range. Cash and the face value of free goods are never
    added. Works from claim files, or from totals alone. Examples:

        outage-analysis cost --json

        outage-analysis cost --counts totals.csv --json
    """
    import polars as pl

    from outage_analysis.pipeline import run

    with progress() as step:
        analysis = run(plan_of(incident, policy, ledger, claims, counts, as_of, max_rejects), progress=step)
    tables = analysis.tables
    table, sums = tables["costs"], tables["totals"]
    if "claims_costs" in tables:  # one after the other, told apart by their basis
        table = pl.concat([table, tables["claims_costs"]])
        sums = pl.concat([sums, tables["claims_totals"]])
    if as_json:
        print_json(
            {
                "incident": analysis.incident.id,
                "policy": analysis.policy.id,
                "as_of": analysis.as_of,
                "currency": analysis.incident.currency,
                "minor_units": analysis.incident.minor_units,  # the sums are in the smallest unit
                "synthetic_claims": analysis.synthetic,
                "lines_not_public_yet": analysis.dropped_lines,
                "totals": sums.to_dicts(),
                "costs": table.to_dicts(),
            }
        )
        return
    print_costs(analysis, table, sums)


@app.command()
def synth(
    *,
    assumptions: Annotated[
        str, typer.Option(help="Bundled id, or path to the TOML of what is assumed.")
    ] = "kakao-2022",
    incident: Incident = "kakao-2022",
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed, other rows; the published margins stay.")
    ] = 20221015,
    out: Annotated[
        Path, typer.Option(help="File to write, .csv or .parquet, with 'synthetic' in its name.")
    ] = Path("kakao-2022-synthetic.csv"),
) -> None:
    """Write synthetic complaints that match the published margins exactly.

    They serve the pipeline, tests and teaching. They are not findings about the incident, and no
    headline figure depends on them. Example:

        outage-analysis synth --seed 7 --out my-synthetic.csv
    """
    from outage_analysis.incidents import load_incident
    from outage_analysis.synthetic import load_synthetic, synthesise, write_synthetic

    with progress() as step:
        step("drawing synthetic complaints")
        frame = synthesise(load_synthetic(assumptions), load_incident(incident), seed=seed)
        write_synthetic(frame, out, seed=seed)
    print_line(str(out))
