"""The commands that show what is bundled, or check a page of one's own: facts, policies, incidents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis.console import LONGEST, print_json, print_line, print_nouns, print_table, print_text
from outage_analysis.errors import UsageError, one_line
from outage_analysis.options import AsOf, Json, day

catalogue = typer.Typer()
policies = typer.Typer(
    no_args_is_help=True,
    help="The compensation policies: what they promise, in TOML, in words and in money.",
)
catalogue.add_typer(policies, name="policies")

Page = Annotated[str, typer.Argument(metavar="POLICY", help="Bundled id, or path to a policy's TOML.")]


@catalogue.command("facts")
def facts_(
    *,
    fact: Annotated[str | None, typer.Argument(help="Show one fact in full.")] = None,
    as_of: AsOf = None,
    topic: Annotated[str | None, typer.Option(help="Only one topic, such as cost or rule-users.")] = None,
    as_json: Json = False,
) -> None:
    """List the published figures of the bundled cases: id, value, unit, day they became public, grade.

    They are about the bundled cases, never about an outage of your own. Example:

        outage-analysis facts --as-of 2022-12-30 --topic cost
    """
    import polars as pl

    from outage_analysis.files import nearest
    from outage_analysis.incidents import facts, in_language

    table = facts(public_by=day(as_of), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(pl.col("id") == fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=nearest(fact, known))
    if as_json:
        print_json(table.to_dicts())
    elif fact:
        for name, value in in_language(table, "en").row(0, named=True).items():
            print_text(f"{name:>10}  {'' if value is None else value}")
    else:
        shown = table.select("id", "quantity", "value", "low", "high", "unit", "public_on", "grade")
        print_table(shown, f"{len(table)} published figures")


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
    from outage_analysis.files import ids
    from outage_analysis.incidents import load_incident

    print_nouns(load_incident, ids("incidents"), incident, "services", as_json=as_json)


@catalogue.command()
def assumptions(
    ledger: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """List the bundled ledgers of assumptions, or check and show one: laws, bounds, sources, owners.

    With --as-of, only what was public by that day. Example:

        outage-analysis assumptions kakao-2022
    """
    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.assumptions import SUMS, distribution, ledger_table, load_ledger
    from outage_analysis.files import ids
    from outage_analysis.text import Locale

    if ledger is None:
        print_nouns(load_ledger, ids("assumptions"), None, "assumptions", as_json=as_json)
        return
    by, page = day(as_of), load_ledger(ledger)
    page = page if by is None else page.admissible(by)
    table = ledger_table(page)
    if as_json:
        head = {"ledger": page.id, "incident": page.incident, "as_of": page.as_of, "public_by": by}
        ties = [
            {**tied.model_dump(mode="json"), "rationale": tied.rationale.en} for tied in page.correlations
        ]
        print_json(head | {"assumptions": table.to_dicts(), "correlations": ties})
        return
    short = table.select(
        *("assumption", "kind", "expected", "low", "high", "grade", "public_on", "outcome_known")
    )
    sums, title = DisplayUnits.of_ledger(page), f"{page.name.en}: {len(table)} assumptions"
    print_table(short, sums.titled(title, short) if sums else title, sums)
    words = Locale("en", sums.currency, sums.digits) if sums else Locale("en")
    for entry in page.assumptions:
        print_text(f"{entry.id}: {distribution(entry, words)}")
    if sums is None and table["kind"].is_in(SUMS).any():
        print_text(words("card.sums"))
    for tied in page.correlations:
        print_text(f"rank correlation {tied.rank:g}: {' and '.join(tied.of)}")
    if table["outcome_known"].any():
        print_text("its authors knew how the case ended: a retrospective test, not a blind one")


@policies.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the bundled policies: currency, lines, first day, and how many published sums they tie to.

    Example:
        outage-analysis policies list
    """
    from outage_analysis.costs import overview

    table = overview()
    if as_json:
        print_json(table.to_dicts())
    else:
        print_table(table, f"{len(table)} policies; currencies stand apart and are never added")


@policies.command()
def show(
    policy: Page,
    *,
    as_of: AsOf = None,
    rate: Annotated[
        str | None,
        typer.Option(help="A dated exchange rate among the facts, such as FX-01, to convert the sums at."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a policy and show it: its lines, the published sums it ties to, what was not published.

    Example:
        outage-analysis policies show kddi-2022
    """
    from outage_analysis.costs import convert_currency, line_table, policy_reconciliation, policy_result
    from outage_analysis.policies import load_policy

    page = load_policy(policy)
    until = day(as_of)
    known = page if until is None else page.as_known_on(until)
    if not known.lines:
        raise UsageError(f"no line of {page.id} was public by {as_of}", remedy="Move --as-of to a later day.")
    result = policy_result(known, as_of=until)
    lines, sums = line_table(known), policy_reconciliation(known, until)
    if rate:
        lines, sums = (convert_currency(t, known.currency, rate, until) for t in (lines, sums))
    if as_json:
        converted = {"converted": {"lines": lines.to_dicts(), "sums": sums.to_dicts()}} if rate else {}
        print_json({**known.model_dump(mode="json", by_alias=True), "result": result, **converted})
        return
    print_table(lines, one_line(f"{page.id}: {page.name.en}, amounts in {page.currency}"))
    if not sums.is_empty():
        print_table(sums.drop("as_expected", "hindsight", "facts"), "Published sums, computed again")
    differing = sums.filter(status="differs")["id"]
    for tie in known.tie_outs:
        if tie.id in differing:
            why = f" {tie.note.en}" if tie.note else ""
            print_text(one_line(f"differs: {tie.id}: {tie.name.en}.{why}", LONGEST))
    for text in result["missing"]:
        print_text(f"not published: {one_line(text, LONGEST)}")
    for line in page.lines:
        if line not in known.lines:
            print_text(f"not public by {as_of}: {line.id}")


@policies.command()
def explain(
    policy: Page,
    *,
    lang: Annotated[str, typer.Option(help="Language: en or ko.")] = "en",
) -> None:
    """Say a policy in plain words: one sentence a line, with a worked example at each edge.

    Example:
        outage-analysis policies explain kakao-2022 --lang ko
    """
    from outage_analysis.policies import explain as told
    from outage_analysis.policies import load_policy

    for sentence in told(load_policy(policy), lang):
        print_text(sentence)


@policies.command()
def check(policy: Page, *, as_json: Json = False) -> None:
    """Find what a second reader would ask about: cliffs, gaps, dead tiers, idle caps, missing days.

    A page that breaks a rule of the language is refused with its file, line, key and remedy. Example:

        outage-analysis policies check my-policy.toml
    """
    from outage_analysis.policies import findings, load_policy

    page = load_policy(policy)
    found = findings(page)
    if as_json:
        print_json(found.to_dicts())
        return
    for kind, line, says in found.iter_rows():
        print_text(f"{kind:<10} {line}: {one_line(says, LONGEST)}")
    words = "nothing to ask about" if found.is_empty() else f"{len(found)} to ask about"
    print_text(f"{page.id}: a valid policy of {len(page.lines)} lines, {words}")


@policies.command()
def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id of the policy: lower-case, digits, hyphens.")],
    *,
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "KRW",
    loss_unit: Annotated[
        str | None, typer.Option(help="Unit of the losses: minutes, days; by default the currency.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; by default ID.toml.")] = None,
) -> None:
    """Write a page to start from, with every kind of line, that is valid as it stands.

    Example:
        outage-analysis policies new my-policy --currency EUR --loss-unit minutes
    """
    from outage_analysis.policies import write_template

    unit = currency if loss_unit is None else loss_unit
    print_line(str(write_template(name, currency, unit, out or Path(f"{name}.toml"))))
