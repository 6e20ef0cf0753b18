"""The commands that show inputs: published `facts`, `incidents`, `assumptions` and `policies`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import (
    LONGEST_TEXT,
    print_json,
    print_line,
    print_table,
    print_text,
)
from outage_analysis.cli.next_commands import language_option, suggest_command
from outage_analysis.cli.option_values import parse_day
from outage_analysis.cli.options import (
    AsOf,
    Json,
    Language,
)
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.assumptions import Ledger
    from outage_analysis.text import Locale, TableSchema

commands = typer.Typer()
policy_commands = typer.Typer(
    no_args_is_help=True,
    help="The compensation policies: what they promise, in TOML, in words and in money.",
)
commands.add_typer(policy_commands, name="policies")

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Bundled id, or path to a policy's TOML file.")]


@commands.command()
def facts(
    *,
    fact: Annotated[str | None, typer.Argument(help="Show one fact in full.")] = None,
    as_of: AsOf = None,
    topic: Annotated[str | None, typer.Option(help="Only one topic, such as cost or rule-users.")] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """List the published figures of the bundled cases: id, value, unit, publication day, evidence grade.

    The figures concern the bundled cases, never your own outage. Example:

        outage-analysis facts --as-of 2022-12-30 --topic cost
    """
    import polars as pl

    from outage_analysis.files import spelling_hint
    from outage_analysis.incidents import FACTS_TABLE, facts_in_language
    from outage_analysis.incidents import facts as published_facts
    from outage_analysis.text import Locale

    locale = Locale(lang)
    table = published_facts(public_by=parse_day(as_of), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(pl.col("id") == fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=spelling_hint(fact, known))
    if as_json:
        print_json(table.to_dicts())
    elif fact:
        for name, value in facts_in_language(table, lang).row(0, named=True).items():
            if lang == "en":
                head, text = name, value
            else:
                head = locale(f"column.{FACTS_TABLE[name].label}")
                text = locale.unit_name(value) if name == "unit" and value else value
            print_text(f"{head:>10}  {'' if text is None else text}")
    else:
        title = locale("terminal.facts", count=len(table))
        print_table(facts_in_language(table, lang), title, FACTS_TABLE, locale=locale)


@commands.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """List the bundled incidents, or check and show one incident: its services and bands of numeric columns.

    Example:
        outage-analysis incidents my-outage.toml
    """
    from outage_analysis.files import bundled_ids
    from outage_analysis.incidents import load_incident
    from outage_analysis.losses import dimension_labels
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused

    if incident is None:
        _print_list(load_incident, bundled_ids("incidents"), lang, as_json=as_json)
        return
    document = load_incident(incident)
    if as_json:
        print_json(document.model_dump(mode="json", by_alias=True))
        return
    print_text(f"{document.id}: {one_line(document.name[lang])}")
    for service in document.services:
        print_text(f"  {service.id}: {one_line(service.name[lang])}")
        fields = service.model_dump(mode="json", exclude={"id", "name"})
        for key, value in fields.items():
            if value not in (None, "", (), [], {}, False):
                print_text(f"      {key}: {one_line(_in_language(value, lang), LONGEST_TEXT)}")
    for dimension in document.dimensions:
        if dimension.kind == "number":
            labels = "; ".join(dimension_labels(dimension))
            print_text(f"  {dimension.id}: {one_line(labels, LONGEST_TEXT)}")


def _in_language(value: object, lang: str) -> object:
    """Return a value of a document in which texts in two languages are replaced by the text in one."""
    if isinstance(value, dict) and value.keys() == {"en", "ko"} and lang != "en":
        return value[lang] or value["en"]
    if isinstance(value, dict):
        return {key: _in_language(inner, lang) for key, inner in value.items()}
    return [_in_language(inner, lang) for inner in value] if isinstance(value, list) else value


def _print_list(load: Callable[[str], Any], known: list[str], lang: str, *, as_json: bool) -> None:
    """Print the ids and names of all bundled documents of one kind, such as all incidents."""
    entries = [{"id": id_, "name": load(id_).name["en" if as_json else lang]} for id_ in known]
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        print_text(f"{entry['id']:<20} {one_line(entry['name'])}")


@commands.command()
def assumptions(
    ledger: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    as_of: AsOf = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """List the bundled ledgers of assumptions, or check and show one ledger.

    A ledger is shown with distributions, bounds, sources and owners of its assumptions. With --as-of, only
    assumptions that were public by that day are shown. Example:

        outage-analysis assumptions kakao-2022
    """
    from outage_analysis.assumptions import load_ledger
    from outage_analysis.files import bundled_ids
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused
    if ledger is None:
        _print_list(load_ledger, bundled_ids("assumptions"), lang, as_json=as_json)
        return
    public_by, document = parse_day(as_of), load_ledger(ledger)
    document = document if public_by is None else document.as_known_on(public_by)
    if as_json:
        print_json(_ledger_as_json(document, public_by))
    else:
        _print_ledger(document, lang)


def _ledger_as_json(ledger: Ledger, public_by: date | None) -> dict[str, object]:
    from outage_analysis.assumptions import ledger_table

    return {
        "ledger": ledger.id,
        "incident": ledger.incident,
        "as_of": ledger.as_of,
        "public_by": public_by,
        "assumptions": ledger_table(ledger).to_dicts(),
        "correlations": [
            {**correlation.model_dump(mode="json"), "rationale": correlation.rationale.en}
            for correlation in ledger.correlations
        ],
    }


def _print_ledger(ledger: Ledger, lang: str) -> None:
    """Print a ledger: a table of assumptions, then each distribution and rank correlation as a sentence."""
    import polars as pl

    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.assumptions import AMOUNT_KINDS, LEDGER, distribution_text, ledger_table
    from outage_analysis.text import Locale

    sums = DisplayUnits.from_ledger(ledger)
    locale = Locale(lang, sums.currency, sums.digits) if sums else Locale(lang)
    table = ledger_table(ledger)
    title = locale("terminal.assumptions", name=ledger.name[lang], count=len(table))
    currency = sums.currency_if_converted(table, LEDGER) if sums else ""
    heading = f"{title}{locale('terminal.sums', currency=currency)}" if currency else title
    texts = [distribution_text(entry, locale) for entry in ledger.assumptions]
    shown = table if lang == "en" else table.with_columns(distribution=pl.Series(texts, dtype=pl.String))
    print_table(shown, heading, LEDGER, sums, locale=locale)
    for entry in ledger.assumptions:
        print_text(f"{entry.id}: {distribution_text(entry, locale)}")
    if sums is None and table["kind"].is_in(AMOUNT_KINDS).any():
        print_text(locale("card.sums"))
    for correlation in ledger.correlations:
        print_text(
            locale(
                "terminal.correlation",
                rank=f"{correlation.rank:g}",
                entries=locale("terminal.and").join(correlation.of),
            )
        )
    if table["outcome_known"].any():
        print_text(locale("terminal.outcome_known"))


@policy_commands.command("list")
def list_policies(*, lang: Language = "en", as_json: Json = False) -> None:
    """List the bundled policies: currency, lines, first day, and how many published totals they reproduce.

    Example:
        outage-analysis policies list
    """
    from outage_analysis.costs import OVERVIEW, overview
    from outage_analysis.text import Locale

    locale = Locale(lang)
    table = overview("en" if as_json else lang)
    if as_json:
        print_json(table.to_dicts())
    else:
        print_table(table, locale("terminal.policies", count=len(table)), OVERVIEW, locale=locale)


@policy_commands.command()
def show(
    policy: Policy,
    *,
    as_of: AsOf = None,
    rate: Annotated[
        str | None,
        typer.Option(
            help="Also print the amounts converted at a dated exchange rate among the facts, such as FX-01."
        ),
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Check a policy; show its cost lines, the published totals computed again, and what was not published.

    Example:
        outage-analysis policies show kddi-2022
    """
    from outage_analysis.costs import (
        LINES,
        TIE_OUTS,
        convert_currency,
        line_table,
        policy_reconciliation,
        policy_result,
    )
    from outage_analysis.policies import load_policy
    from outage_analysis.text import Locale

    locale = Locale(lang)
    document = load_policy(policy)
    until = parse_day(as_of)
    known = document if until is None else document.as_known_on(until)
    if not known.lines:
        problem = f"no line of {document.id} was public by {as_of}"
        raise UsageError(problem, remedy="Move --as-of to a later day.")
    result = policy_result(known, as_of=until)
    lines = line_table(known, "en" if as_json else lang)
    sums = policy_reconciliation(known, until)
    if rate:
        lines, sums = (convert_currency(table, known.currency, rate, until) for table in (lines, sums))
    if as_json:
        converted = {"converted": {"lines": lines.to_dicts(), "sums": sums.to_dicts()}} if rate else {}
        print_json({**known.model_dump(mode="json", by_alias=True), "result": result, **converted})
        return
    about = {"id": document.id, "name": document.name[lang], "currency": document.currency}
    title = one_line(locale("terminal.policy_lines", **about))
    _print_converted(lines, title, LINES, locale)
    if not sums.is_empty():
        title = locale("terminal.policy_sums")
        _print_converted(sums, title, TIE_OUTS, locale)
    differing = sums.filter(status="differs")["id"]
    for tie in known.tie_outs:
        if tie.id in differing:
            why = f" {tie.note[lang]}" if tie.note else ""
            differs = locale("terminal.policy_differs", id=tie.id, name=tie.name[lang], note=why)
            print_text(one_line(differs, LONGEST_TEXT))
    for text in known.missing:
        print_text(locale("terminal.policy_missing", text=one_line(text[lang], LONGEST_TEXT)))
    for line in document.lines:
        if line not in known.lines:
            print_text(locale("terminal.policy_later", day=as_of, line=line.id))


def _print_converted(table: pl.DataFrame, title: str, schema: TableSchema, locale: Locale) -> None:
    """Print a table and the columns that `convert_currency` added to it, such as `most, KRW at FX-01`."""
    from outage_analysis.text import Column

    heads = {}
    for name in table.columns:
        if name not in schema:
            column, _, conversion = name.partition(", ")
            currency, _, rate = conversion.partition(" at ")
            head = column if locale.lang == "en" else locale(schema[column].label_key)
            heads[name] = locale("terminal.policy_at_rate", column=head, currency=currency, rate=rate)
    added = (Column(head, "stated", "Converted amount.") for head in heads.values())
    wider = replace(schema, columns=(*schema.columns, *added))
    print_table(table.rename(heads), title, wider, locale=locale)


@policy_commands.command()
def explain(policy: Policy, *, lang: Language = "en") -> None:
    """Explain a policy in plain words: a sentence per cost line, with an example at each loss band edge.

    Example:
        outage-analysis policies explain kakao-2022 --lang ko
    """
    from outage_analysis.policies import explain as sentences
    from outage_analysis.policies import load_policy

    for sentence in sentences(load_policy(policy), lang):
        print_text(sentence)


@policy_commands.command()
def check(
    policy: Policy,
    *,
    incident: Annotated[
        str | None,
        typer.Option(
            help="Also check that the policy fits this incident: bundled id, or path to its TOML file."
        ),
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """List points of a policy to question: cliffs, gaps, unused tiers and caps, missing days.

    An invalid TOML file is refused with an error that states file, line, key and remedy. With --incident, a
    service, claimant type or band of a numeric column that no claim can have is refused, too. Example:

        outage-analysis policies check my-policy.toml --incident my-outage.toml
    """
    from outage_analysis.analysis import check_documents_fit
    from outage_analysis.incidents import load_incident
    from outage_analysis.policies import findings, load_policy
    from outage_analysis.text import Locale

    locale = Locale(lang)
    document = load_policy(policy)
    if incident is not None:
        check_documents_fit(load_incident(incident), document, None)
    table = findings(document, "en" if as_json else lang)
    if as_json:
        print_json(table.to_dicts())
        return
    for kind, line, question in table.iter_rows():
        heading = locale(f"finding.kind_{kind}")
        print_text(f"{heading:<10} {line}: {one_line(question, LONGEST_TEXT)}")
    about = {"id": document.id, "count": len(document.lines)}
    if table.is_empty():
        print_text(locale("terminal.policy_clear", **about))
    else:
        print_text(locale("terminal.policy_questions", **about, questions=len(table)))


@policy_commands.command()
def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id of the policy: lower-case, digits, hyphens.")],
    *,
    currency: Annotated[str, typer.Option(help="ISO code of the currency.")] = "KRW",
    loss_unit: Annotated[
        str | None, typer.Option(help="Unit of the losses: minutes, days; by default the currency.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; by default ID.toml.")] = None,
    lang: Language = "en",
) -> None:
    """Write a template for a policy: a valid TOML file with every kind of cost line.

    Example:
        outage-analysis policies new my-policy --currency EUR --loss-unit minutes
    """
    from outage_analysis.jupyter import shell_path
    from outage_analysis.policies import write_template
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is written
    unit = currency if loss_unit is None else loss_unit
    written = write_template(name, currency, unit, out or Path(f"{name}.toml"))
    print_line(str(written))
    suggest_command("policies", "check", shell_path(written), *language_option(lang), lang=lang)
