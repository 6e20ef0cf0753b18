"""The commands that show inputs: published `facts`, `incidents` and `assumptions`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import (
    LONGEST_TEXT,
    print_json,
    print_table,
    print_text,
)
from outage_analysis.cli.option_values import parse_day
from outage_analysis.cli.options import AsOf, Json, Language
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.assumptions import Ledger

commands = typer.Typer()


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
    import polars as pl

    from outage_analysis.analysis import currency_if_converted, ledger_locale
    from outage_analysis.assumptions import AMOUNT_KINDS, LEDGER, distribution_text, ledger_table
    from outage_analysis.text import Locale

    units = ledger_locale(ledger)
    locale = Locale(lang, units.currency, units.minor_units) if units else Locale(lang)
    table = ledger_table(ledger)
    title = locale("terminal.assumptions", name=ledger.name[lang], count=len(table))
    currency = currency_if_converted(table, LEDGER, locale)
    heading = f"{title}{locale('terminal.sums', currency=currency)}" if currency else title
    texts = [distribution_text(entry, locale) for entry in ledger.assumptions]
    shown = table.with_columns(distribution=pl.Series(texts, dtype=pl.String))
    print_table(shown, heading, LEDGER, locale=locale)
    for entry in ledger.assumptions:
        print_text(f"{entry.id}: {distribution_text(entry, locale)}")
    if units is None and table["kind"].is_in(AMOUNT_KINDS).any():
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
