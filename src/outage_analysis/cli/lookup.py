"""The commands that show inputs: published `facts`, `incidents`, `assumptions` and `policies`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import print_answer, print_json, print_line, print_text
from outage_analysis.cli.next_commands import language_option, suggest_command
from outage_analysis.cli.option_values import parse_day
from outage_analysis.cli.options import AsOf, Language, Output, expand_options
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.assumptions import Ledger
    from outage_analysis.text import Answer, Locale, ShownTable, TableSchema

commands = typer.Typer()
policy_commands = typer.Typer(
    no_args_is_help=True,
    help="The compensation policies: what they promise, in TOML, in words and in money.",
)
commands.add_typer(policy_commands, name="policies")

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Bundled id, or path to a policy's TOML file.")]


@commands.command()
@expand_options()
def facts(
    *,
    fact: Annotated[str | None, typer.Argument(help="Show one fact in full.")] = None,
    as_of: AsOf = None,
    topic: Annotated[str | None, typer.Option(help="Only one topic, such as cost or rule-users.")] = None,
    output: Output,
) -> None:
    """List the published figures of the bundled cases: id, value, unit, publication day, evidence grade.

    The figures concern the bundled cases, never your own outage. Example:

        outage-analysis facts --as-of 2022-12-30 --topic cost
    """
    import polars as pl

    from outage_analysis.files import spelling_hint
    from outage_analysis.incidents import FACTS_TABLE, facts_in_language
    from outage_analysis.incidents import facts as published_facts
    from outage_analysis.text import Answer, Locale, ShownTable

    locale = Locale(output.lang)
    table = published_facts(public_by=parse_day(as_of), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(pl.col("id") == fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=spelling_hint(fact, known))
    if output.as_json:
        print_json(table.to_dicts())
        return
    told = facts_in_language(table, output.lang)
    if fact:
        for name, value in told.row(0, named=True).items():
            head = locale(f"column.{FACTS_TABLE[name].label}")
            text = locale.unit_name(value) if name == "unit" and value else value
            print_text(f"{head:>10}  {'' if text is None else text}")
    else:
        title = locale("terminal.facts", count=len(table))
        print_answer(Answer(locale, tables=[ShownTable(title, told, FACTS_TABLE)]))


@commands.command()
@expand_options()
def incidents(
    incident: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    output: Output,
) -> None:
    """List the bundled incidents, or check and show one incident: its services and bands of numeric columns.

    Example:
        outage-analysis incidents my-outage.toml
    """
    import polars as pl

    from outage_analysis.analysis import SERVICES, service_table
    from outage_analysis.files import bundled_ids
    from outage_analysis.incidents import load_incident
    from outage_analysis.losses import dimension_labels
    from outage_analysis.text import Answer, Column, ShownTable

    if incident is None:
        _print_list(load_incident, bundled_ids("incidents"), output)
        return
    document = load_incident(incident)
    if output.as_json:
        print_json(document.model_dump(mode="json", by_alias=True))
        return
    lang, table = output.lang, service_table(document)
    aliases = [", ".join(service.aliases) for service in document.services]
    shown = table.with_columns(id=pl.col("service"), aliases=pl.Series(aliases, dtype=pl.String))
    columns = (Column("id", "id", "Id."), *SERVICES.columns, Column("aliases", "data", "Other names."))
    schema = replace(SERVICES, columns=columns)
    title, names = f"{document.id}: {document.name[lang]}", document.display_names(lang)
    numeric = (d for d in document.dimensions if d.kind == "number")
    notes = [f"{d.id}: {'; '.join(dimension_labels(d))}" for d in numeric]
    services = ShownTable(title, shown.select(schema.names), schema)
    print_answer(Answer(document.locale(lang), tables=[services, *notes], names=names))


def _print_list(load: Callable[[str], Any], known: list[str], output: Output) -> None:
    """Print the ids and names of all bundled documents of one kind, such as all incidents."""
    lang = "en" if output.as_json else output.lang
    entries = [{"id": id_, "name": load(id_).name[lang]} for id_ in known]
    if output.as_json:
        print_json(entries)
        return
    for entry in entries:
        print_text(f"{entry['id']:<20} {one_line(entry['name'])}")


@commands.command()
@expand_options()
def assumptions(
    ledger: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    as_of: AsOf = None,
    output: Output,
) -> None:
    """List the bundled ledgers of assumptions, or check and show one ledger.

    A ledger is shown with distributions, bounds, sources and owners of its assumptions. With --as-of, only
    assumptions that were public by that day are shown. Example:

        outage-analysis assumptions kakao-2022
    """
    from outage_analysis.assumptions import ledger_table, load_ledger
    from outage_analysis.files import bundled_ids

    if ledger is None:
        _print_list(load_ledger, bundled_ids("assumptions"), output)
        return
    public_by, document = parse_day(as_of), load_ledger(ledger)
    document = document if public_by is None else document.as_known_on(public_by)
    if not output.as_json:
        print_answer(_ledger_answer(document, output.lang))
        return
    correlations = [{**x.model_dump(mode="json"), "rationale": x.rationale.en} for x in document.correlations]
    print_json(
        {
            "ledger": document.id,
            "incident": document.incident,
            "as_of": document.as_of,
            "public_by": public_by,
            "assumptions": ledger_table(document).to_dicts(),
            "correlations": correlations,
        }
    )


def _ledger_answer(ledger: Ledger, lang: str) -> Answer:
    import polars as pl

    from outage_analysis.analysis import ledger_locale
    from outage_analysis.assumptions import AMOUNT_KINDS, LEDGER, distribution_text, ledger_table
    from outage_analysis.text import Answer, Locale, ShownTable

    units, table = ledger_locale(ledger), ledger_table(ledger)
    locale = Locale(lang, units.currency, units.minor_units) if units else Locale(lang)
    texts = {entry.id: distribution_text(entry, locale) for entry in ledger.assumptions}
    shown = table.with_columns(distribution=pl.Series(texts.values(), dtype=pl.String))
    title = locale("terminal.assumptions", name=ledger.name[lang], count=len(table))
    notes = [f"{id_}: {text}" for id_, text in texts.items()]
    if units is None and table["kind"].is_in(AMOUNT_KINDS).any():
        notes.append(locale("card.sums"))
    for correlation in ledger.correlations:
        entries = locale("terminal.and").join(correlation.of)
        notes.append(locale("terminal.correlation", rank=f"{correlation.rank:g}", entries=entries))
    if table["outcome_known"].any():
        notes.append(locale("terminal.outcome_known"))
    return Answer(locale, tables=[ShownTable(title, shown, LEDGER), *notes])


@policy_commands.command("list")
@expand_options()
def list_policies(*, output: Output) -> None:
    """List the bundled policies: currency, lines, first day, and how many published totals they reproduce.

    Example:
        outage-analysis policies list
    """
    from outage_analysis.costs import OVERVIEW, overview
    from outage_analysis.text import Answer, Locale, ShownTable

    if output.as_json:
        print_json(overview("en").to_dicts())
        return
    locale, table = Locale(output.lang), overview(output.lang)
    title = locale("terminal.policies", count=len(table))
    print_answer(Answer(locale, tables=[ShownTable(title, table, OVERVIEW)]))


@policy_commands.command()
@expand_options()
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
    output: Output,
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
    from outage_analysis.text import Answer, Locale

    locale, lang = Locale(output.lang), output.lang
    document = load_policy(policy)
    until = parse_day(as_of)
    known = document if until is None else document.as_known_on(until)
    if not known.lines:
        problem = f"no line of {document.id} was public by {as_of}"
        raise UsageError(problem, remedy="Move --as-of to a later day.")
    result = policy_result(known, as_of=until)
    lines = line_table(known, "en" if output.as_json else lang)
    sums = policy_reconciliation(known, until)
    if rate:
        lines, sums = (convert_currency(table, known.currency, rate, until) for table in (lines, sums))
    if output.as_json:
        converted = {"converted": {"lines": lines.to_dicts(), "sums": sums.to_dicts()}} if rate else {}
        print_json({**known.model_dump(mode="json", by_alias=True), "result": result, **converted})
        return
    about = {"id": document.id, "name": document.name[lang], "currency": document.currency}
    parts = [_with_rate(locale("terminal.policy_lines", **about), lines, LINES, locale)]
    if not sums.is_empty():
        parts.append(_with_rate(locale("terminal.policy_sums"), sums, TIE_OUTS, locale))
    notes, differing = [], sums.filter(status="differs")["id"]
    for tie in known.tie_outs:
        if tie.id in differing:
            why = f" {tie.note[lang]}" if tie.note else ""
            notes.append(locale("terminal.policy_differs", id=tie.id, name=tie.name[lang], note=why))
    notes += [locale("terminal.policy_missing", text=text[lang]) for text in known.missing]
    later = (line.id for line in document.lines if line not in known.lines)
    notes += [locale("terminal.policy_later", day=as_of, line=line) for line in later]
    print_answer(Answer(locale, tables=[*parts, *notes]))


def _with_rate(title: str, rows: pl.DataFrame, schema: TableSchema, locale: Locale) -> ShownTable:
    """Return a table whose columns that `convert_currency` added have titles: `most, KRW at FX-01`."""
    from outage_analysis.text import Column, ShownTable

    heads = {}
    for name in rows.columns:
        if name not in schema:
            column, _, conversion = name.partition(", ")
            currency, _, rate = conversion.partition(" at ")
            head = locale(schema[column].label_key)
            heads[name] = locale("terminal.policy_at_rate", column=head, currency=currency, rate=rate)
    added = (Column(head, "stated", "Converted amount.") for head in heads.values())
    wider = replace(schema, columns=(*schema.columns, *added))
    return ShownTable(title, rows.rename(heads), wider)


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
@expand_options()
def check(
    policy: Policy,
    *,
    incident: Annotated[
        str | None,
        typer.Option(
            help="Also check that the policy fits this incident: bundled id, or path to its TOML file."
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            help="Also check the band mixes of this ledger: bundled id, or path to its TOML file. By default "
            "the bundled ledger with the id of the policy."
        ),
    ] = None,
    output: Output,
) -> None:
    """List points of a policy to question: cliffs, gaps, unused tiers and caps, missing days, other figures.

    A figure is compared with the fact that it cites, and the edges of the loss bands with those for which the
    ledger states its shares. An invalid TOML file is refused with an error that states file, line, key and
    remedy. With --incident, a service, claimant type or band of a numeric column that no claim can have is
    refused, too. Example:

        outage-analysis policies check my-policy.toml --incident my-outage.toml
    """
    from outage_analysis.analysis import check_documents_fit
    from outage_analysis.assumptions import load_ledger
    from outage_analysis.costs import mix_findings
    from outage_analysis.files import bundled_ids
    from outage_analysis.incidents import load_incident
    from outage_analysis.policies import findings, load_policy
    from outage_analysis.text import Locale

    locale = Locale(output.lang)
    document = load_policy(policy)
    if incident is not None:
        check_documents_fit(load_incident(incident), document, None)
    own = "en" if output.as_json else output.lang
    table = findings(document, own)
    if ledger is not None or document.id in bundled_ids("assumptions"):
        table = table.extend(mix_findings(document, load_ledger(ledger or document.id), own))
    if output.as_json:
        print_json(table.to_dicts())
        return
    for kind, line, question in table.iter_rows():
        heading = locale(f"finding.kind_{kind}")
        print_text(f"{heading:<10} {line}: {question}")
    about = {"id": document.id, "count": len(document.lines), "questions": len(table)}
    print_text(locale(f"terminal.policy_{'clear' if table.is_empty() else 'questions'}", **about))


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

    unit = currency if loss_unit is None else loss_unit
    written = write_template(name, currency, unit, out or Path(f"{name}.toml"))
    print_line(str(written))
    suggest_command("policies", "check", shell_path(written), *language_option(lang), lang=lang)
