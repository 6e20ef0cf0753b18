"""The commands that show what is bundled, or check a page of one's own: facts, policies, incidents."""

from __future__ import annotations

from typing import Annotated

import typer

from outage_analysis.console import print_json, print_line, print_nouns, print_table
from outage_analysis.errors import UsageError
from outage_analysis.options import AsOf, Json, day

catalogue = typer.Typer()


@catalogue.command("facts")
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

    table = facts(public_by=day(as_of), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(pl.col("id") == fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=nearest(fact, known))
    if as_json:
        print_json(table.to_dicts())
    elif fact:
        for name, value in table.row(0, named=True).items():
            print_line(f"{name:>10}  {'' if value is None else value}")
    else:
        shown = table.select("id", "quantity", "value", "low", "high", "unit", "public_on", "grade")
        print_table(shown, f"{len(table)} published figures")


@catalogue.command()
def policies(
    policy: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the bundled policies, or check and show one: its lines, dates and rules.

    Example:
        outage-analysis policies my-policy.toml
    """
    from outage_analysis.datasets import ids
    from outage_analysis.policies import load_policy

    print_nouns(load_policy, ids("policies"), policy, "lines", as_json=as_json)


@catalogue.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the bundled incidents, or check and show one: its services, window and columns.

    Example:
        outage-analysis incidents my-outage.toml
    """
    from outage_analysis.datasets import ids
    from outage_analysis.incidents import load_incident

    print_nouns(load_incident, ids("incidents"), incident, "services", as_json=as_json)
