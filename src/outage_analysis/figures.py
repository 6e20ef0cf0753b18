"""What the cost commands print: totals with their doubt, cost lines, bands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outage_analysis.console import band_in_words, print_line, print_table, print_text

if TYPE_CHECKING:  # heavy: `--help` does without it
    import polars as pl

    from outage_analysis.analysis import Analysis, Compared, DisplayUnits, Plan
    from outage_analysis.text import Locale

BOUNDS = ("low", "expected", "high", "most")
COLUMNS = (
    "low, high: bounds of the expected cost, every input at that end; they do not bound the total\n"
    "most: bound of the total, every claim paid the most that it can get; empty: nothing limits it"
)
SHOWN = ("expected", "p10", "p50", "p90", "p95", "p99", "tvar95")


def cost_answer(analysis: Analysis) -> dict[str, Any]:
    """The cost as JSON can hold it; sums are in the smallest unit of the currency."""
    tables = analysis.tables
    both = {name: _both(tables, name) for name in ("totals", "costs")}
    return {
        **origin(analysis, analysis.plan),
        "policy": analysis.policy.id,
        "lines_not_public_yet": analysis.dropped_lines,
        "totals": both["totals"].to_dicts(),
        "costs": both["costs"].to_dicts(),
        "uncertainty": {
            basis: {
                name: table.to_dicts()
                for name in ("quantiles", "split", "contributions", "budget")
                if (table := analysis.doubt(basis, name)) is not None
            }
            for basis in analysis.runs
        },
    }


def origin(made: Analysis | Compared, plan: Plan) -> dict[str, Any]:
    """What an answer rests on, and what its sums count; which assumptions are examples, where any is."""
    inputs = made.inputs
    return {
        "incident": made.incident.id,
        "ledger": made.ledger.id if made.ledger else None,
        "as_of": made.as_of,
        "currency": made.incident.currency,
        "minor_units": made.incident.minor_units,
        "synthetic_claims": made.synthetic,
        "draws": plan.draws,
        "seed": plan.seed,
        **({"examples": inputs.examples} if inputs and inputs.examples else {}),
    }


def tell_examples(made: Analysis | Compared) -> None:
    """A word on stderr while assumptions are examples, so that no figure stands without it."""
    from outage_analysis.assumptions import warning
    from outage_analysis.text import Locale

    said = warning(made.inputs, Locale("en"))
    if said:
        sys.stderr.write(f"{said}\n")


def _both(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    """A table from published counts, then the one from claims: told apart by their basis."""
    import polars as pl

    parts = [tables[n] for n in (name, f"claims_{name}") if n in tables]
    return pl.concat(parts)


def print_costs(analysis: Analysis) -> None:
    """The answer in three sentences; then totals, how unsure they are, cost lines and bands as tables."""
    import polars as pl

    from outage_analysis.analysis import DisplayUnits

    sums = DisplayUnits.of(analysis.incident)
    words = analysis.words("en")
    for sentence in cost_sentences(analysis, words):
        print_text(sentence)
    print_line("")
    table = _both(analysis.tables, "costs")
    _print_uncertainty(analysis, sums, words)
    shown = _both(analysis.tables, "totals").select("basis", "valuation", *BOUNDS, "left_out")
    print_table(shown, f"Totals as of {analysis.as_of}, {sums.currency}", sums)
    print_text(COLUMNS)
    for note in analysis.unstated_notes(words):
        print_text(note)
    band = pl.when(pl.col("rule") == "straddles").then(pl.lit("across bands")).otherwise(band_in_words(words))
    numbers = ("count", *BOUNDS)
    for (basis,), part in table.filter(level="line").group_by("basis", maintain_order=True):
        print_table(
            part.select("line", "valuation", *numbers, "status"),
            f"By cost line: {words(f'word.{basis}')}",
            sums,
        )
    bands = table.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), part in bands.group_by("basis", "line", maintain_order=True):
        named = ["service"] if part["service"].null_count() < len(part) else []
        title = f"{line}, by loss band: {words(f'word.{basis}')}"
        print_table(part.select(*named, "band", *numbers), title, sums)


def cost_sentences(analysis: Analysis, words: Locale) -> tuple[str, str, str]:
    """The answer in words: how much cash, which cost lines that counts, how likely it exceeds the budget."""
    locale, basis = words, analysis.headline
    expected = analysis.expected_cash(basis) if basis else None
    later = ", ".join(analysis.dropped_lines)
    not_public = f" {locale('terminal.not_public', day=analysis.as_of, lines=later)}" if later else ""
    if expected is None:
        return (
            locale("terminal.no_cash"),
            locale("terminal.counts_none") + not_public,
            locale("terminal.no_budget"),
        )
    portfolio, table = analysis.runs[basis].portfolio, analysis.doubt(basis, "quantiles")
    likely, known = (
        analysis.likely_cash(basis),
        {"expected": locale.money(expected), "basis": locale(f"word.{basis}")},
    )
    if likely and table is not None:
        (median,) = table.filter(valuation="cash", measure="p50")["value"]
        first = locale(
            "terminal.cash", median=locale.money(median), range=locale.money_range(*likely), **known
        )
    else:
        first = locale("terminal.cash_certain", **known)
    omitted = portfolio.left_out.get("cash", ())
    scope = locale("terminal.counts", lines=", ".join(portfolio.counted("cash")))
    scope += f" {locale('terminal.omits', lines=', '.join(omitted))}" if omitted else ""
    chance = _chance(analysis, basis, locale) or locale("terminal.no_budget")
    return first, scope + not_public, chance


def _chance(analysis: Analysis, basis: str, words: Locale) -> str:
    """How likely the cash of a run exceeds the budget; empty without a budget."""
    table = analysis.doubt(basis, "budget")
    if table is None:
        return ""
    row = table.row(0, named=True)
    return words(
        "terminal.chance",
        budget=words.exact_money(row["budget"]),
        unit=words.unit,
        share=words.share(row["exceeded"]),
        stressed=words.share(row["stressed"]),
        error=words.number(words.rounded(100 * row["error"])),
        basis=words(f"word.{basis}"),
    )


def _print_uncertainty(analysis: Analysis, sums: DisplayUnits, words: Locale) -> None:
    """Quantiles by valuation, each run apart; then the numerical error and the stress."""
    for basis in analysis.runs:
        drawn = analysis.doubt(basis, "quantiles")
        if drawn is None:
            continue
        wide = drawn.pivot("measure", index="valuation", values="value")
        said = f"How unsure: {words(f'word.{basis}')}, {sums.currency}"
        shown = wide.select("valuation", *(m for m in SHOWN if m in wide.columns))
        print_table(shown, f"{said}; in eight of ten cases between P10 and P90", sums)
        for row in drawn.filter(measure="p90").iter_rows(named=True):
            error, stressed = (words.exact_money(row[name]) for name in ("error", "stressed"))
            print_text(
                f"{row['valuation']}: numerical error of P90 {error}; if all inputs moved "
                f"together (rank correlation 0.5), P90 {stressed}"
            )
        if analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
            print_text(words("report.tied"))
        if basis != analysis.headline and (chance := _chance(analysis, basis, words)):
            print_text(chance)
        print_line("")


def named_parts(given: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
    """What exceeding a sum takes, with bands and rival models by name instead of number."""
    import polars as pl

    from outage_analysis.assumptions import BandMix

    words = analysis.words("en")
    entries = next(iter(analysis.runs.values())).portfolio.entries

    def name(assumption: str, part: int | None) -> str:
        entry = entries[assumption]
        if part is None:
            return ""
        if isinstance(entry, BandMix):
            return words.band(entry.bands[part].over, entry.bands[part].up_to)
        return entry.models[part].en

    parts = [name(*row) for row in given.select("assumption", "part").iter_rows()]
    return given.with_columns(part=pl.Series(parts, dtype=pl.String))
