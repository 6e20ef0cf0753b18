"""The command `reserve`: the amount to set aside, its measure and scope, and what changed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.cli.console import (
    print_json,
    print_line,
    print_table,
    print_text,
    progress,
    warn_of_rejects,
)
from outage_analysis.cli.cost_output import origin, warn_of_examples
from outage_analysis.cli.options import Json, Language, PlanOptions, expand_options
from outage_analysis.errors import ModelRefused

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.analysis import Analysis
    from outage_analysis.text import Locale

commands = typer.Typer()


@commands.command()
@expand_options("budget")
def reserve(
    options: PlanOptions,
    *,
    measure: Annotated[str, typer.Option(help="Measure of the reserve: mean, median, P75 or P90.")] = "mean",
    handling: Annotated[
        str,
        typer.Option(help="Whether the cost of working through the claims is inside or outside the reserve."),
    ] = "outside",
    since: Annotated[
        str | None,
        typer.Option(help="An earlier run: the folder of a report, or id or path of a ledger."),
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Print the reserve: one amount with its measure, its scope, and what changed since an earlier run.

    The reserve includes the cost lines with an obligation that have an expected cost. Quantiles of cash and
    handling together come from sums of single draws. The mean is the best estimate of the accounting page.

    Example:
        outage-analysis reserve --measure P75 --handling inside --since kakao-2022-10-24
    """
    from outage_analysis.analysis import parse_measure, refuse_no_cash, reserve_amount, reserve_note, run
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is computed
    plan, chosen = options.plan(), parse_measure(measure)
    with progress(lang) as step:
        analysis = run(plan, progress=step)
        step("computing the reserve")
        table = analysis.tables.get("reserve")
        if table is None:
            refuse_no_cash("a reserve")
        amount = reserve_amount(table, chosen, handling)
        moved = None if since is None else _bridge_since(analysis, since, options)
    warn_of_rejects(analysis.claims, lang)
    warn_of_examples(analysis, lang)
    locale = analysis.locale(lang)
    if as_json:
        print_json(_as_json(analysis, table, amount, chosen, handling, moved))
        return
    inside = handling == "inside"
    mark = locale("terminal.synthetic_prefix") if analysis.headline_is_synthetic else ""
    first, *others = _answer(analysis, amount, chosen, locale, inside=inside)
    for sentence in (mark + first, *others):
        print_text(sentence)
    if note := reserve_note(table, locale, "both" if inside else "cash"):
        print_text(note)
    for sentence in _movement(moved, since, locale):
        print_text(sentence)
    print_line("")
    _print_tables(analysis, table, moved, locale)


def _bridge_since(analysis: Analysis, since: str, options: PlanOptions) -> pl.DataFrame:
    from outage_analysis.analysis import reserve_scope
    from outage_analysis.costs import BridgeRun, bridge
    from outage_analysis.reports import bridge_side

    if analysis.headline_from_claims:
        raise ModelRefused(
            "the reserve is computed from claims, and a bridge explains costs from published counts",
            remedy="Leave --since out.",
        )
    first, recorded = bridge_side(since, options.incident or analysis.incident.id, options.policy, "cash")
    second = BridgeRun(analysis.policy, analysis.ledger, analysis.as_of)
    not_due = reserve_scope(analysis).not_due
    if not_due:  # lines without an obligation are in no reserve; a recorded total may include them
        first, second = first.without(not_due), second.without(not_due)
        recorded = None
    plan = analysis.plan
    return bridge(first, second, recorded=recorded, draws=plan.draws, seed=plan.seed)


def _as_json(
    analysis: Analysis,
    table: pl.DataFrame,
    amount: float,
    measure: str,
    handling: str,
    moved: pl.DataFrame | None,
) -> dict[str, object]:
    from outage_analysis.analysis import reserve_scope

    scope = reserve_scope(analysis)
    return {
        **origin(analysis, analysis.plan),
        "policy": analysis.policy.id,
        "basis": analysis.headline_basis,
        "amount": amount,
        "measure": measure,
        "handling": handling,
        "lines": scope.counted,
        "without_price": scope.unpriced,
        "without_obligation": scope.not_due,
        "reserve": table.to_dicts(),
        **({} if moved is None else {"bridge": moved.to_dicts()}),
    }


def _answer(
    analysis: Analysis, amount: float, measure: str, locale: Locale, *, inside: bool
) -> Iterator[str]:
    from outage_analysis.analysis import counted_notes, reserve_scope

    scope, names = reserve_scope(analysis), analysis.names(locale.lang)
    yield from counted_notes(analysis, locale)
    yield locale(
        f"terminal.reserve_{'inside' if inside else 'outside'}",
        day=locale.day(analysis.as_of),
        amount=locale("report.exact", amount=locale.exact_money(amount), unit=locale.unit),
        measure=locale("word.median" if measure == "p50" else f"word.{measure}"),
    )
    yield locale("terminal.counts", lines=", ".join(names[x] for x in scope.counted))
    if scope.unpriced:
        yield locale("terminal.reserve_unpriced", lines=", ".join(names[x] for x in scope.unpriced))
    if scope.not_due:
        yield locale("terminal.reserve_not_due", lines=", ".join(names[x] for x in scope.not_due))


def _movement(moved: pl.DataFrame | None, since: str | None, locale: Locale) -> Iterator[str]:
    if moved is None:
        return
    start, end = (moved.filter(step=step).row(0, named=True) for step in ("start", "end"))
    before, after = locale.money(start["total"]), locale.money(end["total"])
    yield locale("terminal.reserve_moved", run=since, before=before, after=after)
    if start["p90"] is not None and end["p90"] is not None:
        before, after = locale.money(start["p90"]), locale.money(end["p90"])
        yield locale("terminal.reserve_moved_range", measure=locale("word.p90"), before=before, after=after)


def _print_tables(
    analysis: Analysis, table: pl.DataFrame, moved: pl.DataFrame | None, locale: Locale
) -> None:
    from outage_analysis.analysis import RESERVE
    from outage_analysis.costs import BRIDGE

    units = locale("terminal.sums", currency=analysis.incident.currency)
    print_table(table, f"{locale('terminal.reserve')}{units}", RESERVE, locale=locale)
    if moved is not None:
        title = locale("terminal.bridge", valuation=locale("word.cash"), currency=analysis.incident.currency)
        print_table(moved, title, BRIDGE, locale=locale)
