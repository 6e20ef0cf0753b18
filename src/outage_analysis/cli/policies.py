"""The commands `policies list`, `show`, `explain`, `check` and `new`, for compensation policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from outage_analysis.cli.options import AsOf, Json, Language
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.policies import Policy as LoadedPolicy
    from outage_analysis.text import Locale, TableSchema

commands = typer.Typer()
policy_commands = typer.Typer(
    no_args_is_help=True,
    help="The compensation policies: what they promise, in TOML, in words and in money.",
)
commands.add_typer(policy_commands, name="policies")

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Bundled id, or path to a policy's TOML file.")]


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
        _print_converted(sums, locale("terminal.policy_sums"), TIE_OUTS, locale)
    _print_gaps(known, sums, locale)
    for line in document.lines:
        if line not in known.lines:
            print_text(locale("terminal.policy_later", day=as_of, line=line.id))


def _print_gaps(policy: LoadedPolicy, sums: pl.DataFrame, locale: Locale) -> None:
    differing = sums.filter(status="differs")["id"]
    for tie in policy.tie_outs:
        if tie.id in differing:
            why = f" {tie.note[locale.lang]}" if tie.note else ""
            differs = locale("terminal.policy_differs", id=tie.id, name=tie.name[locale.lang], note=why)
            print_text(one_line(differs, LONGEST_TEXT))
    for text in policy.missing:
        print_text(locale("terminal.policy_missing", text=one_line(text[locale.lang], LONGEST_TEXT)))


def _print_converted(table: pl.DataFrame, title: str, schema: TableSchema, locale: Locale) -> None:
    """Print a table and the columns that `convert_currency` added to it, such as `most, KRW at FX-01`."""
    from outage_analysis.text import Column

    heads = {}
    for name in table.columns:
        if name not in schema:
            column, _, conversion = name.partition(", ")
            currency, _, rate = conversion.partition(" at ")
            head = locale(schema[column].label_key)
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
    ledger: Annotated[
        str | None,
        typer.Option(
            help="Also check the band mixes of this ledger: bundled id, or path to its TOML file. By default "
            "the bundled ledger with the id of the policy."
        ),
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
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

    locale = Locale(lang)
    document = load_policy(policy)
    if incident is not None:
        check_documents_fit(load_incident(incident), document, None)
    own = "en" if as_json else lang
    table = findings(document, own)
    if ledger is not None or document.id in bundled_ids("assumptions"):
        table = table.extend(mix_findings(document, load_ledger(ledger or document.id), own))
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
