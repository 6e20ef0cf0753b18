"""What a result answers is what its command prints: the sentences first, every table, and the same JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest

from outage_analysis.analysis import (
    Analysis,
    Plan,
    Reserve,
    Scenarios,
    Sensitivity,
    compare,
    run,
    sensitivity_tables,
)
from outage_analysis.costs.backtesting import backtest
from outage_analysis.costs.scenarios import load_scenarios
from outage_analysis.incidents import load_backtest_spec
from outage_analysis.text import LANGUAGES, Result, ShownTable
from tests.commands import command

FEW, CANDIDATES = 8_192, ("kakao-candidate-cash", "kakao-candidate-voucher")


@cache
def kakao() -> Analysis:
    return run(Plan(draws=FEW))


RESULTS: dict[str, tuple[tuple[str, ...], Callable[[], Result]]] = {
    "cost": ((), kakao),
    "reserve": ((), lambda: Reserve(kakao())),
    "scenarios": ((), lambda: Scenarios(kakao(), load_scenarios())),
    "sensitivity": ((), lambda: Sensitivity(kakao(), sensitivity_tables(kakao()))),
    "compare": (
        (*CANDIDATES, "--as-of", "2022-10-24"),
        lambda: compare(*CANDIDATES, as_of="2022-10-24", draws=FEW),
    ),
    "backtest": ((), lambda: backtest(load_backtest_spec("kakao-2022"), draws=FEW)),
}
"""Command -> its arguments, and the same result in Python."""


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_a_command_prints_what_its_result_answers(name: str) -> None:
    arguments, made = RESULTS[name]
    result = made()
    words = (name, *arguments, "--draws", FEW)
    for lang in LANGUAGES:
        answer = result.answer(lang)
        parts = list(answer.tables)
        assert any(isinstance(part, ShownTable) for part in parts)
        code, out, err = command(*words, "--lang", lang)
        assert code == 0
        assert out.splitlines()[: len(answer.sentences)] == list(answer.sentences)
        place = 0
        for part in parts:  # every part stands below the one before
            place = out.index(f"{part if isinstance(part, str) else part.title}\n", place) + 1
        assert [warning for warning in result.warnings(lang) if warning not in err] == []
    told = json.loads(command(*words, "--json")[1])
    assert told == json.loads(json.dumps(result.to_dict(), default=str))
