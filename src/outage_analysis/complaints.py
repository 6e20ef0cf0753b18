"""The commands that work on complaint files: read them, count them, make synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.console import print_json, print_line, print_table, progress
from outage_analysis.errors import UsageError
from outage_analysis.options import Files, Incident, Json, MaxRejects, Policy, share

complaints = typer.Typer()


@complaints.command()
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


@complaints.command()
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


@complaints.command()
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
