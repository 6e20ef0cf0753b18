"""The commands that show inputs: published `facts`, `incidents`, `assumptions` and `policies`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from outage_analysis import analysis, assumptions, costs, files, incidents, losses, policies, text
from outage_analysis.cli.console import AsOf, Language, Output, expand_options, print_line, print_text
from outage_analysis.errors import UsageError, one_line

commands = typer.Typer()
policy_commands = typer.Typer(
    no_args_is_help=True, help="The compensation policies: what they promise, in TOML, in words and in money."
)
commands.add_typer(policy_commands, name="policies")

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Bundled id, or path to a policy's TOML file.")]


@commands.command()
@expand_options()
def facts(
    *,
    fact: Annotated[str | None, typer.Argument(help="Show one fact in full.")] = None,
    as_of: AsOf = None,
    topic: Annotated[str | None, "Only one topic, such as cost or rule-users."] = None,
    output: Output,
) -> None:
    """List the published figures of the bundled cases: id, value, unit, publication day, evidence grade.

    The figures concern the bundled cases, never your own outage. Example:

        outage-analysis facts --as-of 2022-12-30 --topic cost
    """
    locale, columns = text.Locale(output.lang), text.schema_of("facts")
    table = incidents.facts(public_by=analysis.as_day(as_of, "--as-of"), topic=topic)
    if fact:
        known = table["id"].to_list()
        table = table.filter(id=fact)
        if table.is_empty():
            raise UsageError("no such fact", value=fact, remedy=files.spelling_hint(fact, known))
    told = incidents.facts_in_language(table, output.lang)
    if not fact or output.as_json:
        title = locale("terminal.facts", count=len(table))
        output.print(table.to_dicts(), text.Answer(locale, tables=[text.ShownTable(title, told, columns)]))
        return
    for name, value in told.row(0, named=True).items():
        shown = locale.unit_name(value) if name == "unit" and value else value
        print_text(f"{locale(f'column.{columns[name].label}'):>10}  {'' if shown is None else shown}")


@commands.command("incidents")
@expand_options()
def show_incidents(
    incident: Annotated[str | None, typer.Argument(help="Id or path; without it, the list.")] = None,
    *,
    output: Output,
) -> None:
    """List the bundled incidents, or check and show one incident: its services and bands of numeric columns.

    Example:
        outage-analysis incidents my-outage.toml
    """
    import polars as pl

    if incident is None:
        _print_list(incidents.load_incident, files.bundled_ids("incidents"), output)
        return
    document, lang = incidents.load_incident(incident), output.lang
    aliases = [", ".join(service.aliases) for service in document.services]
    id_, other = text.Column("id", "id", "Id."), text.Column("aliases", "data", "Other names.")
    schema = replace(text.schema_of("services"), columns=(id_, *text.schema_of("services").columns, other))
    shown = analysis.service_table(document).with_columns(
        id=pl.col("service"), aliases=pl.Series(aliases, dtype=pl.String)
    )
    title, names = f"{document.id}: {document.name[lang]}", document.display_names(lang)
    services = text.ShownTable(title, shown.select(schema.names), schema)
    labels = {d.id: losses.dimension_labels(d) for d in document.dimensions if d.kind == "number"}
    notes = [f"{id_}: {'; '.join(bands)}" for id_, bands in labels.items()]
    output.print(
        document.model_dump(mode="json", by_alias=True),
        text.Answer(document.locale(lang), tables=[services, *notes], names=names),
    )


def _print_list(load: Callable[[str], Any], known: list[str], output: Output) -> None:
    """Print the ids and names of all bundled documents of one kind, such as all incidents."""
    lang = "en" if output.as_json else output.lang
    names = {id_: load(id_).name[lang] for id_ in known}
    lines = [f"{id_:<20} {one_line(name)}" for id_, name in names.items()]
    values = [{"id": id_, "name": name} for id_, name in names.items()]
    output.print(values, text.Answer(text.Locale(lang), tables=lines))


@commands.command("assumptions")
@expand_options()
def show_assumptions(
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
    if ledger is None:
        _print_list(assumptions.load_ledger, files.bundled_ids("assumptions"), output)
        return
    public_by, document = analysis.as_day(as_of, "--as-of"), assumptions.load_ledger(ledger)
    document = document if public_by is None else document.as_known_on(public_by)
    table, units = assumptions.ledger_table(document), analysis.ledger_locale(document)
    lang, schema = output.lang, text.schema_of("documents.assumptions")
    locale = text.Locale(lang, units.currency, units.minor_units) if units else text.Locale(lang)
    notes = [f"{entry.id}: {assumptions.distribution_text(entry, locale)}" for entry in document.assumptions]
    if units is None and table["kind"].is_in(text.AMOUNT_KINDS).any():
        notes.append(locale("card.sums"))
    for correlation in document.correlations:
        entries = locale("terminal.and").join(correlation.of)
        notes.append(locale("terminal.correlation", rank=f"{correlation.rank:g}", entries=entries))
    title = locale("terminal.assumptions", name=document.name[lang], count=len(table))
    whole = schema.whole(table, units.places) if units else table
    values = {
        "ledger": document.id,
        "incident": document.incident,
        "as_of": document.as_of,
        "public_by": public_by,
        "assumptions": whole.to_dicts(),
        "correlations": [
            x.model_dump(mode="json") | {"rationale": x.rationale.en} for x in document.correlations
        ],
    }
    output.print(values, text.Answer(locale, tables=[text.ShownTable(title, table, schema), *notes]))


@policy_commands.command("list")
@expand_options()
def list_policies(*, output: Output) -> None:
    """List the bundled policies: currency, lines, first day, and how many published totals they reproduce.

    Example:
        outage-analysis policies list
    """
    lang = "en" if output.as_json else output.lang
    locale, table = text.Locale(lang), costs.benefits.overview(lang)
    title, schema = locale("terminal.policies", count=len(table)), text.schema_of("policy.overview")
    output.print(table.to_dicts(), text.Answer(locale, tables=[text.ShownTable(title, table, schema)]))


@policy_commands.command()
@expand_options()
def show(policy: Policy, *, as_of: AsOf = None, output: Output) -> None:
    """Check a policy; show its cost lines, the published totals computed again, and what was not published.

    Example:
        outage-analysis policies show kddi-2022
    """
    lang = "en" if output.as_json else output.lang
    document, until = policies.load_policy(policy), analysis.as_day(as_of, "--as-of")
    known = document if until is None else document.as_known_on(until)
    if not known.lines:
        raise UsageError(
            f"no line of {document.id} was public by {as_of}", remedy="Move --as-of to a later day."
        )
    values = known.model_dump(mode="json", by_alias=True)
    values["result"] = costs.benefits.policy_result(known, as_of=until)
    locale, sums = text.Locale(lang), costs.benefits.policy_reconciliation(known, until)
    about = {"id": document.id, "name": document.name[lang], "currency": document.currency}
    title, lines = locale("terminal.policy_lines", **about), costs.benefits.line_table(known, lang)
    shown: list[text.ShownTable | str] = [text.ShownTable(title, lines, text.schema_of("policy.lines"))]
    if not sums.is_empty():
        shown.append(text.ShownTable(locale("terminal.policy_sums"), sums, text.schema_of("policy.tie_outs")))
    differing = sums.filter(status="differs")["id"]
    for tie in (tie for tie in known.tie_outs if tie.id in differing):
        why = f" {tie.note[lang]}" if tie.note else ""
        shown.append(locale("terminal.policy_differs", id=tie.id, name=tie.name[lang], note=why))
    shown += [locale("terminal.policy_missing", text=missing[lang]) for missing in known.missing]
    output.print(values, text.Answer(locale, tables=shown))


@policy_commands.command()
@expand_options()
def explain(policy: Policy, *, lang: Language = "en") -> None:
    """Explain a policy in plain words: a sentence per cost line, with an example at each loss band edge.

    Example:
        outage-analysis policies explain kakao-2022 --lang ko
    """
    for sentence in policies.explain(policies.load_policy(policy), lang):
        print_text(sentence)


@policy_commands.command()
@expand_options()
def check(
    policy: Policy,
    *,
    incident: Annotated[
        str | None, "Also check that the policy fits this incident: bundled id, or path to its TOML file."
    ] = None,
    ledger: Annotated[
        str | None,
        "Also check the band mixes of this ledger: bundled id, or path to its TOML file. By default "
        "the bundled ledger with the id of the policy.",
    ] = None,
    output: Output,
) -> None:
    """List points of a policy to question: cliffs, gaps, unused tiers and caps, missing days and facts.

    A cited fact must exist, and the edges of the loss bands are compared with those for which the
    ledger states its shares. An invalid TOML file is refused with an error that states file, line, key and
    remedy. With --incident, a service, claimant type or band of a numeric column that no claim can have is
    refused, too. Example:

        outage-analysis policies check my-policy.toml --incident my-outage.toml
    """
    lang = "en" if output.as_json else output.lang
    locale, document = text.Locale(lang), policies.load_policy(policy)
    if incident is not None:
        analysis.check_documents_fit(incidents.load_incident(incident), document, None)
    table = policies.findings(document, lang)
    if ledger is not None or document.id in files.bundled_ids("assumptions"):
        known = assumptions.load_ledger(ledger or document.id)
        table = table.extend(costs.expected.mix_findings(document, known, lang))
    found = ((locale(f"finding.kind_{kind}"), line, asked) for kind, line, asked in table.iter_rows())
    told = [f"{kind:<10} {line}: {question}" for kind, line, question in found]
    about = {"id": document.id, "count": len(document.lines), "questions": len(table)}
    told.append(locale(f"terminal.policy_{'clear' if table.is_empty() else 'questions'}", **about))
    output.print(table.to_dicts(), text.Answer(locale, tables=told))


@policy_commands.command()
@expand_options()
def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id of the policy: lower-case, digits, hyphens.")],
    *,
    currency: Annotated[str, "ISO code of the currency."] = "KRW",
    loss_unit: Annotated[str | None, "Unit of the losses: minutes, days; by default the currency."] = None,
    out: Annotated[Path | None, "File to write; by default ID.toml."] = None,
) -> None:
    """Write a template for a policy: a valid TOML file with every kind of cost line.

    Example:
        outage-analysis policies new my-policy --currency EUR --loss-unit minutes
    """
    unit, file = currency if loss_unit is None else loss_unit, out or Path(f"{name}.toml")
    print_line(str(policies.write_template(name, currency, unit, file)))
