"""The command line: parses, calls the library inside its commands, maps errors to exit codes.

Results go to stdout, words and progress to stderr. Everything heavy is imported inside a command, so
that `--help` is quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from outage_analysis.pipeline import Plan

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turns outage complaints into a compensation cost that an executive can defend.\n\n"
    "Start with [bold]outage-analysis report[/bold]: it writes the report of the bundled case, the "
    "Kakao outage of October 2022. Then give your own: --incident, --policy and --ledger take a "
    "bundled id or a path to your TOML, --claims your files.",
    epilog="Exit codes: 0 done, 1 a verification failed, 2 wrong usage, 3 data refused, 4 blocked for "
    "privacy, 5 the model refuses to answer, 6 the environment failed.",
)

Incident = Annotated[str, typer.Option(help="Bundled id, or path to an incident's TOML.")]
Policy = Annotated[str | None, typer.Option(help="Bundled id, or path to a policy's TOML. [default: the incident's]")]
Ledger = Annotated[str | None, typer.Option(help="Bundled id, or path to a ledger's TOML. [default: the incident's]")]
ClaimFiles = Annotated[list[Path] | None, typer.Option("--claims", help="Complaint file, CSV or Parquet; repeat for more. [default: the bundled synthetic file]")]
Counts = Annotated[Path | None, typer.Option(help="Totals instead of claims: CSV service,claimant_type,band,claims.")]
AsOf = Annotated[str | None, typer.Option(help="Use only what was public by this day (YYYY-MM-DD). [default: the ledger's day]")]
MaxRejects = Annotated[str, typer.Option(help="Largest share of rejected rows to go on with: 5% or 0.05.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Files = Annotated[list[Path], typer.Argument(help="Complaint files, CSV or Parquet.")]


def main() -> None:
    """Run the command; a user's error is one line on stderr and an exit code."""
    try:
        app()
    except OutageAnalysisError as error:
        _fail(error)
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        _fail(EnvironmentFailed(error.strerror or str(error), file=error.filename))


def _fail(error: OutageAnalysisError) -> None:
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(error.exit_code)


@app.command()
def report(  # noqa: PLR0913 - one parameter an option
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

    plan = _plan(incident, policy, ledger, claims, counts, as_of, max_rejects, hindsight=hindsight)
    with _progress() as step:
        analysis = run(plan, progress=step)
        step("writing the report")
        written = write_report(analysis, out, lang=lang, force=force)
    if as_json:
        _print_json({"report": str(written), "manifest": str(written.parent / "manifest.json")})
    else:
        typer.echo(str(written))


@app.command()
def ingest(files: Files, *, incident: Incident = "kakao-2022", max_rejects: MaxRejects = "5%", as_json: Json = False) -> None:
    """Read complaint files and account for every row: rows = claims + rejects.

    Prints the reconciliation per file, the rules broken, and the first rejects with file, row, column,
    value and remedy. Example:

        outage-analysis ingest complaints.csv --incident my-outage.toml
    """
    from outage_analysis.claims import explain, read_claims
    from outage_analysis.incidents import load_incident

    with _progress() as step:
        step("reading the files")
        claims = read_claims(files, load_incident(incident), max_rejects=_share(max_rejects))
    rejects = claims.rejects
    first = [str(explain(claims, row)) for row in rejects.head(10).iter_rows(named=True)]
    if as_json:
        _print_json({"files": claims.files.to_dicts(), "rules": claims.broken_rules().to_dicts(),
                     "synthetic": claims.synthetic, "first_rejects": first})  # fmt: skip
        return
    _print_table(claims.files, "Every row is one claim or one reject")
    if len(rejects):
        _print_table(claims.broken_rules(), "Rules broken (a reject may break several)")
    for line in first:
        typer.echo(line)
    if len(rejects) > len(first):
        typer.echo(f"and {len(rejects) - len(first):,} more rejects")


@app.command()
def cube(  # noqa: PLR0913 - one parameter an option
    files: Files,
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    by: Annotated[str, typer.Option(help="Dimensions, separated by commas: service, claimant_type, filed_on or one of the incident's.")] = "service,claimant_type",
    out: Annotated[Path | None, typer.Option(help="Write .csv or .parquet instead of printing.")] = None,
    max_rejects: MaxRejects = "5%",
    as_json: Json = False,
) -> None:
    """Aggregate claims by dimensions and loss band: claims, loss, loss squared.

    Bands are a fine grid with the policy's edges. A band holds losses over `over`, up to and including
    `up_to`; both empty means unknown. Example:

        outage-analysis cube complaints.csv --by service --out cube.parquet
    """
    from outage_analysis.claims import read_claims
    from outage_analysis.cube import build_cube
    from outage_analysis.incidents import load_incident
    from outage_analysis.policies import load_policy
    from outage_analysis.reports import write_table

    page = load_incident(incident)
    edges = load_policy(policy or page.id)
    with _progress() as step:
        step("reading the files")
        claims = read_claims(files, page, max_rejects=_share(max_rejects))
        step("building the cube")
        built = build_cube(claims, dimensions=tuple(d.strip() for d in by.split(",")), policy=edges)
    if out:
        write_table(built.frame, out)
        typer.echo(str(out))
    elif as_json:
        _print_json({"synthetic": built.synthetic, "rows": built.frame.to_dicts()})
    else:
        _print_table(built.frame, "Synthetic rows" if built.synthetic else "Claims by band")


@app.command()
def cost(  # noqa: PLR0913 - one parameter an option
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
    from outage_analysis.pipeline import run

    with _progress() as step:
        analysis = run(_plan(incident, policy, ledger, claims, counts, as_of, max_rejects), progress=step)
    table, sums = analysis.tables["costs"], analysis.tables["totals"]
    if as_json:
        _print_json({
            "incident": analysis.incident.id, "policy": analysis.policy.id, "as_of": analysis.as_of,
            "currency": analysis.incident.currency, "synthetic_claims": analysis.synthetic,
            "lines_not_public_yet": analysis.dropped_lines,
            "totals": sums.to_dicts(), "costs": table.to_dicts(),
        })  # fmt: skip
        return
    _print_table(sums, f"Totals as of {analysis.as_of}, {analysis.incident.currency}; low and high are bounds")
    _print_table(
        table.select("basis", "line", "service", "over", "up_to", "rule", "count", "low", "expected", "high", "status"),
        "By cost line, service and band",
    )  # fmt: skip


@app.command()
def synth(
    *,
    assumptions: Annotated[str, typer.Option(help="Bundled id, or path to the TOML of what is assumed.")] = "kakao-2022",
    incident: Incident = "kakao-2022",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other rows; the published margins stay.")] = 20221015,
    out: Annotated[Path, typer.Option(help="File to write, .csv or .parquet, with 'synthetic' in its name.")] = Path("kakao-2022-synthetic.csv"),
) -> None:
    """Write synthetic complaints that match the published margins exactly.

    They serve the pipeline, tests and teaching. They are not findings about the incident, and no
    headline figure depends on them. Example:

        outage-analysis synth --seed 7 --out my-synthetic.csv
    """
    from outage_analysis.incidents import load_incident
    from outage_analysis.synthetic import load_synthetic, synthesise, write_synthetic

    with _progress() as step:
        step("drawing synthetic complaints")
        frame = synthesise(load_synthetic(assumptions), load_incident(incident), seed=seed)
        write_synthetic(frame, out, seed=seed)
    typer.echo(str(out))


@app.command("facts")
def facts_(
    *,
    fact: Annotated[str | None, typer.Argument(help="Show one fact in full.")] = None,
    as_of: AsOf = None,
    topic: Annotated[str | None, typer.Option(help="Only one topic, such as cost or rule-users.")] = None,
    as_json: Json = False,
) -> None:
    """List the published figures: id, value, unit, day they became public, grade.

    Example:

        outage-analysis facts --as-of 2022-12-30 --topic cost
    """
    import polars as pl

    from outage_analysis.datasets import nearest
    from outage_analysis.published import facts

    table = facts(public_by=_day(as_of), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(pl.col("id") == fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=nearest(fact, known))
    if as_json:
        _print_json(table.to_dicts())
    elif fact:
        for name, value in table.row(0, named=True).items():
            typer.echo(f"{name:>10}  {'' if value is None else value}")
    else:
        shown = table.select("id", "quantity", "value", "low", "high", "unit", "public_on", "grade")
        _print_table(shown, f"{len(table)} published figures")


@app.command()
def policies(policy: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None, *, as_json: Json = False) -> None:
    """List the bundled policies, or check and show one: its lines, dates and rules.

    Example:

        outage-analysis policies my-policy.toml
    """
    from outage_analysis.datasets import ids
    from outage_analysis.policies import load_policy

    _show_nouns(load_policy, ids("policies"), policy, "lines", as_json=as_json)


@app.command()
def incidents(incident: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None, *, as_json: Json = False) -> None:
    """List the bundled incidents, or check and show one: its services, window and columns.

    Example:

        outage-analysis incidents my-outage.toml
    """
    from outage_analysis.datasets import ids
    from outage_analysis.incidents import load_incident

    _show_nouns(load_incident, ids("incidents"), incident, "services", as_json=as_json)


def _show_nouns(load: Callable[[str], Any], known: list[str], chosen: str | None, parts: str, *, as_json: bool) -> None:
    if chosen is None:
        listed = [{"id": i, "name": load(i).name.en} for i in known]
        if as_json:
            _print_json(listed)
        else:
            for item in listed:
                typer.echo(f"{item['id']:<20} {item['name']}")
        return
    page = load(chosen)
    if as_json:
        _print_json(page.model_dump(mode="json", by_alias=True))
        return
    typer.echo(f"{page.id}: {page.name.en}")
    for part in getattr(page, parts):
        shown = {k: v for k, v in part.model_dump(mode="json").items() if v not in (None, "", (), [], {}, False)}
        name = shown.pop("name")["en"]
        typer.echo(f"  {shown.pop('id')}: {name}")
        for key, value in shown.items():
            typer.echo(f"      {key}: {value}")


def _plan(
    incident: str, policy: str | None, ledger: str | None, claims: list[Path] | None, counts: Path | None,
    as_of: str | None, max_rejects: str, *, hindsight: bool = True,
) -> Plan:  # fmt: skip
    from outage_analysis.pipeline import Plan

    return Plan(
        incident=incident, policy=policy, ledger=ledger, claims=tuple(claims) if claims else None, counts=counts,
        as_of=_day(as_of), max_rejects=_share(max_rejects), hindsight=hindsight,
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("--as-of is not a day", value=text, remedy="Write it as 2022-12-30.") from None


def _share(text: str) -> float:
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError("--max-rejects is not a share", value=text, remedy="Write it as 5% or 0.05.")
    return value


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Names each step on stderr: a spinner on a terminal, nothing in a pipe."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda text: status.update(text)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def _print_table(frame: pl.DataFrame, title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*_cells(row))
    Console(markup=False, highlight=False, soft_wrap=False).print(table)


def _cells(row: Iterable[object]) -> list[str]:
    """Numbers with separators, the rest as one safe line."""
    cells = []
    for value in row:
        if value is None:
            cells.append("")
        elif isinstance(value, float | int | Decimal) and not isinstance(value, bool):
            cells.append(f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.4g}")  # noqa: PLR2004
        else:
            cells.append(one_line(value, 60))
    return cells
