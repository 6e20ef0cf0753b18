"""The output of `backtest` for a comparison of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.cli.console import LONGEST_TEXT, print_json, print_text, print_titled_tables
from outage_analysis.errors import one_line

if TYPE_CHECKING:  # for type checkers only: this import is slow, and `--help` must start quickly
    from outage_analysis.text import LikelyRange


def print_event_comparison(case: str, likely: LikelyRange, lang: str, *, as_json: bool) -> None:
    """Forecast each published outcome without the outcomes of its event, and print hits and misses."""
    from outage_analysis.analysis import DisplayUnits, table_schemas
    from outage_analysis.costs import compare_events
    from outage_analysis.incidents import load_event_comparison
    from outage_analysis.text import Locale

    locale = Locale(lang, level=likely.level)
    result = compare_events(load_event_comparison(case), level=likely.level)
    policy, schemas = result.policy, table_schemas("other_events")
    if as_json:
        units = {"currency": policy.currency, "minor_units": policy.digits} if policy else {}
        head = {"backtest": result.spec.id, "level": likely.level, "answer": result.answer(locale)}
        limits = {limit.id: limit.text[lang] for limit in result.spec.limits}
        rows = {name: getattr(result, name).to_dicts() for name in schemas}
        print_json(head | units | {"limits": limits} | rows)
        return
    for sentence in result.answer(locale):
        print_text(one_line(sentence, LONGEST_TEXT))
    tables = result.display_tables(lang)
    print_titled_tables(
        tables,
        {name: locale(f"terminal.other_events_{name}") for name in tables},
        "",
        (),
        {**schemas, "not_scored": schemas["forecasts"]},
        DisplayUnits.from_document(policy) if policy else None,
        lang,
        likely,
    )
    for sentence in result.limit_sentences(locale):
        print_text(one_line(sentence, LONGEST_TEXT))
