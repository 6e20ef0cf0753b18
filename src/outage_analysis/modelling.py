"""The commands of the cost model beside `cost`: what moves it, which policy is cheaper, how it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from outage_analysis.console import (
    print_json,
    print_named,
    print_table,
    print_text,
    progress,
    tell_rejects,
)
from outage_analysis.errors import UsageError, one_line
from outage_analysis.figures import named_parts, origin, tell_examples
from outage_analysis.options import (
    AsOf,
    ClaimFiles,
    ColumnPages,
    Counts,
    Draws,
    Incident,
    Json,
    Ledger,
    MaxRejects,
    Policy,
    Seed,
    drawn,
    money,
    plan_of,
)

if TYPE_CHECKING:  # heavy: `--help` does without it
    import polars as pl

    from outage_analysis.analysis import Analysis, Compared

modelling = typer.Typer()

LONGEST = 1_000
"""Characters of a sentence that a terminal shows."""

Policies = Annotated[
    list[str], typer.Argument(metavar="POLICY POLICY ...", help="Bundled ids, or paths to TOML pages.")
]
Valuation = Annotated[
    str,
    typer.Option(
        help="Which money: cash, face_value, displaced_sales, incremental_cash, top_down or handling."
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a report, or id or path of a ledger.")]
SYNTHETIC = "SYNTHETIC claims, no finding: "
SENSITIVITY = {
    "tornado": "Expected cost with one input at its P10 and its P90, the others at their means",
    "indices": "Share of the variance of the cash: by the input alone (first), with all it takes part in",
    "levers": "Decisions: what one step adds to the expected cost",
    "awards": "What a review grants on average: uncertain, and as a decision",
    "break_evens": "The value of one input at which the expected cash meets the sum",
    "given": "What the inputs look like when the cash exceeds the sum",
}
COMPARED = {
    "policies": "What each policy costs",
    "pairs": "On the same draws: the policy less the other; cheaper: the chance that it costs less",
    "flips": "The value of one input at which the cheaper of two changes",
    "replaced": "Share of a loss that an accepted claim gets back",
    "left_out": "Lines without an expected cost: in no figure above",
}
BACKTEST = {
    "outcomes": "What was forecast (P10 to P90) and what came out",
    "rivals": "Forecasts beside ours: a smaller crps is better; flagged: out by more than twice",
    "coverage": "The rule of the priors: each reference class forecast from the others",
    "shown": "Shown beside, not scored",
}
SHOWN_OUTCOMES = (
    *("outcome", "given", "p10", "p50", "p90", "observed", "percentile", "verdict", "crps", "sharpness"),
)


@modelling.command()
def sensitivity(
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    columns: ColumnPages = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    exceeds: Annotated[
        str | None, typer.Option(help="A sum of cash: what would have to be true for it to be exceeded?")
    ] = None,
    award: Annotated[
        list[str] | None,
        typer.Option(help="A mean award to decide on, in whole currency: the cost then; repeat for more."),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Print what moves the cost: a tornado, shares of the variance, levers, break-evens.

    Levers are decisions and enter no variance. Example:

        outage-analysis sensitivity --exceeds 500_000_000
    """
    from outage_analysis.analysis import run, sensitivity_tables
    from outage_analysis.text import Locale

    plan = plan_of(
        incident, policy, ledger, claims, columns, counts, as_of, max_rejects, draws=draws, seed=seed
    )
    limit = None if exceeds is None else money(exceeds, "--exceeds")
    awards = [money(text, "--award") for text in award or ()]
    with progress() as step:
        analysis = run(plan, progress=step)
        step("varying the inputs")
        tables = sensitivity_tables(analysis, limit, awards)
    tell_rejects(analysis.claims)
    tell_examples(analysis)
    if as_json:
        told = {name: tables[name].to_dicts() for name in SENSITIVITY if name in tables}
        answer = {"policy": analysis.policy.id, "basis": analysis.headline}
        print_json(origin(analysis, plan) | answer | told)
        return
    if "given" in tables:
        tables["given"] = named_parts(tables["given"], analysis)
    notes = [Locale("en")("report.tied")] if analysis.runs[analysis.headline].portfolio.tied("cash") else []
    if not any(len(table) for table in tables.values()):
        notes.append("nothing of this cost is uncertain, so no input moves it")
    _print(tables, SENSITIVITY, analysis, notes, synthetic=analysis.made_up)


@modelling.command()
def compare(
    policies: Policies,
    *,
    incident: Incident = "kakao-2022",
    ledger: Ledger = None,
    claims: ClaimFiles = None,
    columns: ColumnPages = None,
    counts: Counts = None,
    as_of: AsOf = None,
    max_rejects: MaxRejects = "5%",
    valuation: Valuation = "cash",
    draws: Draws = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Compare what policies cost, on the same draws of everything uncertain.

    From published counts, or from claims or counts that are given. Without a ledger, the incident's
    latest by the as-of day. Example:

        outage-analysis compare kakao-candidate-cash kakao-candidate-voucher --as-of 2022-10-24
    """
    from outage_analysis.analysis import compare_policies
    from outage_analysis.text import Locale

    plan = plan_of(
        incident, None, ledger, claims, columns, counts, as_of, max_rejects, draws=draws, seed=seed
    )
    with progress() as step:
        step("comparing the policies")
        found = compare_policies(plan, policies, valuation=valuation)
    tell_rejects(found.claims)
    tell_examples(found)
    tables = {name: getattr(found.comparison, name) for name in COMPARED}
    if as_json:
        told = {name: table.to_dicts() for name, table in tables.items()}
        print_json(origin(found, plan) | {"valuation": valuation} | told)
        return
    words = Locale("en", found.incident.currency, found.incident.minor_units)
    print_text(one_line(found.sentence(words), LONGEST))
    _print(tables, COMPARED, found, [], synthetic=found.synthetic)


@modelling.command("backtest")
def backtest_(
    page: Annotated[str, typer.Argument(help="Bundled id, or path to a back-test's TOML.")] = "kakao-2022",
    *,
    draws: Draws = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Set what a ledger forecast beside what came out, and beside naive forecasts and the press.

    It is about the bundled case, the Kakao outage, unless a page is given. One case with a few outcomes is
    an illustration, not a validation. Example:

        outage-analysis backtest
    """
    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.costs import backtest
    from outage_analysis.incidents import load_backtest_spec
    from outage_analysis.text import Locale

    with progress() as step:
        step("forecasting from what was public")
        found = backtest(load_backtest_spec(page), **drawn(draws, seed))
    tables = {name: getattr(found, name) for name in BACKTEST}
    if as_json:
        told = {name: table.to_dicts() for name, table in tables.items()}
        pages = {"backtest": found.page.id, "policy": found.policy.id, "ledger": found.ledger.id}
        days = {"as_of": found.page.as_of, "known_on": found.page.known_on}
        print_json(
            pages | days | {"currency": found.policy.currency, "minor_units": found.policy.digits} | told
        )
        return
    tables["outcomes"] = tables["outcomes"].select(SHOWN_OUTCOMES)
    words = Locale("en", found.policy.currency, found.policy.digits)
    print_named(tables, BACKTEST, "", found.sentences(words), DisplayUnits.of(found.policy))


@modelling.command("bridge")
def bridge_(
    first: Run,
    second: Run,
    *,
    incident: Incident = "kakao-2022",
    policy: Policy = None,
    valuation: Valuation = "cash",
    as_json: Json = False,
) -> None:
    """Explain how the expected cost moved from one run to a later one, from published counts.

    A run is the folder of a report, or a ledger: then with --policy, as of the ledger's day. Steps: data
    that came out, assumptions, policy, payments that became known, and the version of this program.

    Example:
        outage-analysis bridge kakao-2022 kakao-2023-06-30
    """
    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.costs import VALUATIONS, bridge
    from outage_analysis.reports import bridge_side

    if valuation not in VALUATIONS:
        raise UsageError("no such valuation", value=valuation, remedy=f"Known: {', '.join(VALUATIONS)}.")
    (one, recorded), (other, _) = (bridge_side(run, incident, policy, valuation) for run in (first, second))
    incidents = {side.ledger.incident for side in (one, other) if side.ledger}
    if len(incidents) > 1:
        problem, shown = "the two runs are of two incidents", ", ".join(sorted(incidents))
        raise UsageError(problem, value=shown, remedy="Name two runs of one incident.")
    table = bridge(one, other, valuation=valuation, recorded=recorded)
    currency, digits = one.policy.currency, one.policy.digits
    if as_json:
        units = {"valuation": valuation, "currency": currency, "minor_units": digits}
        print_json(units | {"bridge": table.to_dicts()})
        return
    title = f"Expected {valuation.replace('_', ' ')}, {currency}: what moved it"
    print_table(table, title, DisplayUnits.of(one.policy))


def _print(
    tables: Mapping[str, pl.DataFrame],
    titles: Mapping[str, str],
    made: Analysis | Compared,
    notes: Iterable[str],
    *,
    synthetic: bool,
) -> None:
    """Tables with sums in whole currency, and which currency that is."""
    from outage_analysis.analysis import DisplayUnits

    mark = "Synthetic rows: " if synthetic else ""
    units = f"as of {made.as_of}; sums in {made.incident.currency}"
    print_named(tables, titles, mark, [*notes, units], DisplayUnits.of(made.incident, made.starts))
