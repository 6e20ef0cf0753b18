"""The commands that support decisions: `sensitivity`, `compare`, `backtest` and `bridge`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.cli.console import (
    print_json,
    print_line,
    print_table,
    print_text,
    print_titled_tables,
    progress,
    warn_of_rejects,
)
from outage_analysis.cli.cost_output import origin, warn_of_examples
from outage_analysis.cli.option_values import parse_level, parse_money
from outage_analysis.cli.options import (
    BUNDLED,
    TIERS,
    Draws,
    Incident,
    Json,
    Language,
    LikelyLevel,
    PlanOptions,
    Policy,
    Seed,
    expand_options,
    sampling_arguments,
)
from outage_analysis.errors import UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.analysis import Analysis, PolicyComparison
    from outage_analysis.cli.comparison_views import TableView
    from outage_analysis.text import LikelyRange, Locale

commands = typer.Typer()

LONGEST_SENTENCE = 1_000
"""Most characters of the sentence that is printed above a comparison."""
Valuation = Annotated[
    str,
    typer.Option(
        help="Valuation: cash, face_value, displaced_sales, incremental_cash, top_down or handling."
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a report, or id or path of a ledger.")]
SENSITIVITY_TABLES = (
    *("tornado", "indices", "levers", "awards", "break_evens", "inputs_given_exceedance"),
    "information_value",
)
"""The tables that `sensitivity` prints, in order; their titles are the labels `terminal.sensitivity_...`."""
COMPARE_TABLES = ("policies", "pairs", "flips", "information_value", "replaced", "left_out")
"""The tables of `compare` in JSON, besides the winners and losers."""
BACKTEST_TABLES = ("outcomes", "rivals", "unscored")
"""The tables that `backtest` prints, in order."""


@commands.command()
@expand_options()
def sensitivity(
    options: PlanOptions,
    *,
    exceeds: Annotated[
        str | None,
        typer.Option(help="An amount in whole currency: what must be true for the cash to exceed it?"),
    ] = None,
    award: Annotated[
        list[str] | None,
        typer.Option(
            help="A mean award to decide on, in whole currency: prints the cost at it; repeat for more."
        ),
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Print which inputs the cost depends on most: tornado, shares of the variance, levers, break-evens.

    Levers are decisions, so they do not contribute to the variance of the cost. With --budget, the command
    prints what it is worth to know each input before deciding between the policy and the budget. Examples:

        outage-analysis sensitivity --exceeds 500_000_000
        outage-analysis sensitivity --budget 300_000_000
    """
    from outage_analysis.analysis import run, sensitivity_tables
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is computed
    plan = options.plan()
    limit = None if exceeds is None else parse_money(exceeds, "--exceeds")
    awards = [parse_money(text, "--award") for text in award or ()]
    with progress(lang) as step:
        analysis = run(plan, progress=step)
        step("varying the inputs")
        tables = sensitivity_tables(analysis, limit, awards)
    warn_of_rejects(analysis.claims, lang)
    warn_of_examples(analysis, lang)
    if as_json:
        rows = {name: tables[name].to_dicts() for name in SENSITIVITY_TABLES if name in tables}
        policy = {"policy": analysis.policy.id, "basis": analysis.headline_basis}
        print_json(origin(analysis, plan) | policy | rows)
        return
    _print_sensitivity(analysis, tables, lang)


def _print_sensitivity(analysis: Analysis, tables: dict[str, pl.DataFrame], lang: str) -> None:
    from outage_analysis.analysis import driver_sentences
    from outage_analysis.text import Locale

    drivers = driver_sentences(analysis, analysis.locale(lang))
    for sentence in drivers:
        _print_sentence(sentence, analysis.headline_is_synthetic, lang)
    if "inputs_given_exceedance" in tables:
        tables["inputs_given_exceedance"] = _with_part_names(
            tables["inputs_given_exceedance"], analysis, lang
        )
    if "information_value" in tables:
        _print_sentence(
            _budget_sentence(analysis, analysis.locale(lang)), analysis.headline_is_synthetic, lang
        )
    if drivers:
        print_line("")
    notes = _sensitivity_notes(analysis, tables, Locale(lang))
    likely, synthetic = analysis.likely_range, analysis.headline_is_synthetic
    shown = {name: tables[name] for name in SENSITIVITY_TABLES if name in tables}
    _print_result(
        shown,
        "sensitivity",
        analysis,
        notes,
        group="sensitivity",
        likely=likely,
        synthetic=synthetic,
        lang=lang,
    )


def _print_sentence(sentence: str, synthetic: bool, lang: str) -> None:  # noqa: FBT001 - private
    """Print a sentence in one line, marked if it comes from synthetic claims."""
    from outage_analysis.text import Locale

    mark = Locale(lang)("terminal.synthetic_prefix") if synthetic else ""
    print_text(one_line(mark + sentence, LONGEST_SENTENCE))


def _budget_sentence(analysis: Analysis, locale: Locale) -> str:
    from outage_analysis.costs import information_sentence
    from outage_analysis.text import smallest_units

    portfolio = analysis.runs[analysis.headline_basis].portfolio
    sentence = information_sentence(analysis.tables["information_value"], portfolio, locale)
    amount = smallest_units(analysis.plan.budget or 0, analysis.incident.minor_units, "the budget")
    return f"{sentence} {locale('information.budget_decision', budget=locale.money_in_full(amount))}"


def _sensitivity_notes(analysis: Analysis, tables: Mapping[str, pl.DataFrame], locale: Locale) -> list[str]:
    tied = analysis.runs[analysis.headline_basis].portfolio.has_correlated_inputs("cash")
    notes = [locale("report.tied")] if tied else []
    if not any(len(table) for name, table in tables.items() if name != "information_value"):
        notes.append(locale("terminal.nothing_uncertain"))
    return notes


def _with_part_names(table: pl.DataFrame, analysis: Analysis, lang: str) -> pl.DataFrame:
    import polars as pl

    from outage_analysis.assumptions import BandMix

    locale = analysis.locale(lang)
    entries = next(iter(analysis.runs.values())).portfolio.entries

    def part_name(assumption: str, part: int | None) -> str:
        entry = entries[assumption]
        if part is None:
            return ""
        if isinstance(entry, BandMix):
            return locale.band(entry.bands[part].over, entry.bands[part].up_to)
        return entry.models[part][lang]

    names = [part_name(*row) for row in table.select("assumption", "part").iter_rows()]
    return table.with_columns(part=pl.Series(names, dtype=pl.String))


@commands.command()
@expand_options("policy", "budget", *TIERS)
def compare(
    policies: Annotated[
        list[str], typer.Argument(metavar="POLICY POLICY ...", help="Bundled ids, or paths to TOML files.")
    ],
    *,
    options: PlanOptions,
    valuation: Valuation = "cash",
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Compare policies by what they cost and by what people get, on the same draws of the uncertain inputs.

    The output says which policy costs least, which gives people most, which policies are dominated, and which
    input to find out first. The costs are computed from published counts, or from --claims or --counts. The
    default ledger is the latest ledger of the incident on the as-of day. Example:

        outage-analysis compare kakao-candidate-cash kakao-candidate-voucher --as-of 2022-10-24
    """
    from outage_analysis.analysis import compare_policies
    from outage_analysis.cli.comparison_views import benefit_view, winner_views
    from outage_analysis.text import LikelyRange, Locale

    Locale(lang)  # an unknown language is refused before anything is computed
    plan = options.plan()
    with progress(lang) as step:
        step("comparing the policies")
        result = compare_policies(plan, policies, valuation=valuation)
    warn_of_rejects(result.claims, lang)
    warn_of_examples(result, lang)
    tables = {name: getattr(result.simulations, name) for name in COMPARE_TABLES}
    if as_json:
        tables["winners_and_losers"] = result.winners_table
        rows = {name: table.to_dicts() for name, table in tables.items()}
        print_json(origin(result, plan) | {"valuation": valuation} | rows)
        return
    locale = Locale(lang, result.incident.currency, result.incident.minor_units)
    sentences = [*result.counted_notes(locale), result.sentence(locale)]
    print_text(one_line(" ".join(sentences), LONGEST_SENTENCE))
    _print_sentence(result.simulations.information_sentence(locale), result.synthetic, lang)
    print_line("")
    likely = LikelyRange(plan.level)
    benefits, *winners = (benefit_view(result, lang), *winner_views(result, lang))
    views = {"benefits": benefits, **{f"winners_{n}": view for n, view in enumerate(winners)}}
    shown = {"policies": tables.pop("policies"), **{name: view.table for name, view in views.items()}}
    _print_result(
        shown | tables,
        "compare",
        result,
        result.simulations.benefit_notes(locale),
        group="comparison",
        likely=likely,
        synthetic=result.synthetic,
        lang=lang,
        views=views,
    )


def _print_result(  # noqa: PLR0913 - what to print, and how
    tables: Mapping[str, pl.DataFrame],
    command: str,
    result: Analysis | PolicyComparison,
    notes: Iterable[str],
    *,
    group: str,
    likely: LikelyRange,
    synthetic: bool,
    lang: str,
    views: Mapping[str, TableView] | None = None,
) -> None:
    """Print tables with amounts in whole currency units, then notes, and the as-of day and the currency.

    The titles of the tables are the labels `terminal.<command>_<table>`, except for the tables of `views`.
    """
    from outage_analysis.analysis import table_schemas

    locale = replace(result.locale(lang), level=likely.level)
    prefix = locale("terminal.synthetic_prefix") if synthetic else ""
    units = locale("terminal.result_units", day=result.as_of, currency=result.incident.currency)
    titles = {name: locale(f"terminal.{command}_{name}") for name in tables if name not in (views or {})}
    views = views or {}
    titles |= {name: view.title for name, view in views.items()}
    schemas = {**table_schemas(group), **{name: view.schema for name, view in views.items()}}
    print_titled_tables(tables, titles, prefix, [*notes, units], schemas, locale, likely, result.names(lang))


@commands.command()
def backtest(
    case: Annotated[str, typer.Argument(help="Bundled id, or path to a back-test's TOML file.")] = BUNDLED,
    *,
    draws: Draws = None,
    seed: Seed = None,
    level: LikelyLevel = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Compare a forecast from a ledger with the actual outcome, with naive forecasts and with the press.

    By default, the command tests the bundled case, the Kakao outage. One case with a few outcomes is an
    illustration, not a validation. Example:

        outage-analysis backtest
    """
    from outage_analysis.analysis import table_schemas
    from outage_analysis.costs import backtest as run_backtest
    from outage_analysis.incidents import load_backtest_spec
    from outage_analysis.text import LikelyRange, Locale

    likely = LikelyRange(parse_level(level))
    locale = Locale(lang, level=likely.level)
    with progress(lang) as step:
        step("forecasting from what was public")
        result = run_backtest(load_backtest_spec(case), **sampling_arguments(draws, seed), level=likely.level)
    tables = {name: getattr(result, name) for name in BACKTEST_TABLES}
    spec, policy = result.spec, result.policy
    if as_json:
        ids = {"backtest": spec.id, "policy": policy.id, "ledger": result.ledger.id}
        days = {"as_of": spec.as_of, "known_on": spec.known_on}
        units = {"currency": policy.currency, "minor_units": policy.digits}
        print_json(
            ids
            | days
            | units
            | {"level": likely.level}
            | {name: table.to_dicts() for name, table in tables.items()}
        )
        return
    notes = result.sentences(Locale(lang, policy.currency, policy.digits))
    tables = _with_translated_names(tables, locale)
    titles = {name: locale(f"terminal.backtest_{name}") for name in BACKTEST_TABLES}
    schemas = table_schemas("backtest")
    names = {x.id: x.name[lang] for x in spec.outcomes} | {x.id: x.name[lang] for x in spec.unscored}
    print_titled_tables(tables, titles, "", notes, schemas, policy.locale(lang), likely, names)


def _with_translated_names(tables: Mapping[str, pl.DataFrame], locale: Locale) -> dict[str, pl.DataFrame]:
    import polars as pl

    rivals = {rival: locale(f"terminal.rival_{rival}") for rival in ("naive", "flat")}
    # The column `beside` contains ids of outcomes, which stay as they are, and kinds of cost.
    outcomes = set(tables["outcomes"]["outcome"])
    costs = {kind: locale(f"word.{kind}") for kind in set(tables["unscored"]["beside"]) - outcomes}
    translated = dict(tables)
    for table, column, names in (
        ("rivals", "rival", rivals),
        ("unscored", "beside", costs),
    ):
        translated[table] = tables[table].with_columns(pl.col(column).replace(names))
    return translated


@commands.command()
def bridge(
    first: Run,
    second: Run,
    *,
    incident: Incident = BUNDLED,
    policy: Policy = None,
    valuation: Valuation = "cash",
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Explain why the expected cost and its range changed from one run to a later one, from published counts.

    A run is the folder of a report, or a ledger. A ledger is combined with --policy, as of the day of the
    ledger. The change is divided into: new data, assumptions, policy, payments that became known, and the
    version of this program. P50, P75 and P90 of the total are printed after each step.

    Example:
        outage-analysis bridge kakao-2022 kakao-2023-06-30
    """
    from outage_analysis.costs import BRIDGE, DRAWS, VALUATIONS
    from outage_analysis.costs import bridge as bridge_table
    from outage_analysis.reports import bridge_side
    from outage_analysis.text import Locale

    locale = Locale(lang)
    if valuation not in VALUATIONS:
        raise UsageError("no such valuation", value=valuation, remedy=f"Known: {', '.join(VALUATIONS)}.")
    (start, recorded), (end, _) = (bridge_side(run, incident, policy, valuation) for run in (first, second))
    incidents = {side.ledger.incident for side in (start, end) if side.ledger}
    if len(incidents) > 1:
        names = ", ".join(sorted(incidents))
        problem = "the two runs are of two incidents"
        raise UsageError(problem, value=names, remedy="Name two runs of one incident.")
    table = bridge_table(start, end, valuation=valuation, recorded=recorded, draws=DRAWS)
    currency, digits = start.policy.currency, start.policy.digits
    if as_json:
        units = {"valuation": valuation, "currency": currency, "minor_units": digits}
        print_json(units | {"bridge": table.to_dicts()})
        return
    title = locale("terminal.bridge", valuation=locale(f"word.{valuation}"), currency=currency)
    print_table(table, title, BRIDGE, locale=start.policy.locale(lang))
