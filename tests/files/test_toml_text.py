"""Pages written again from their values: every value survives, no comment does."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.assumptions import load_ledger
from outage_analysis.files import Document, data_root, document_text
from outage_analysis.files.documents import MAX_TOML_LINE, toml_document
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from tests.paths import ROOT

PAGE = '''
# Ask Kim, 010-1234-5678, 12 Long Street
count = 1_000_000 # her number
hex = 0xff
rate = 1e-3
large = 1e22
below = -0.0
never = inf
least = -inf
unknown = nan
flag = true
day = 2022-10-15
at = 15:19:30.250000
moment = 2022-10-15T15:19:00+09:00
local = 2022-10-15 15:19:00
zulu = 2022-10-15T06:19:00Z
text = """
first
  second # no comment
"third" \\"""" # a comment
raw = 'C:\\new\\table'
name = { en = "KakaoTalk", ko = "카카오톡" } # inline
empty = {}
none = []
mixed = [1, "a", [2.5, { x = 1 }]]
"an odd key" = 1
"" = 2
"한글" = 3
a.b.c = 4

[table] # of one
x = 1
[table.inner]
y = [[1, 2], ["a"]]

[[line]] # the first
id = "a"
[line.deep]
z = "é\\u007f\\u0000\\t\\u202e"
[[line.part]]
n = 1
[[line]]
id = "b"
'''


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - TOML values have no common type
    """Whether two values are equal in value and type, and in the sign of a zero."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        signs = math.copysign(1, one) == math.copysign(1, other)
        return bool((one == other and signs) or (math.isnan(one) and math.isnan(other)))
    if isinstance(one, datetime | time):
        return bool(one == other and one.tzinfo == other.tzinfo)
    return bool(one == other)


def test_every_kind_of_value_survives_and_no_comment_does() -> None:
    values = tomllib.loads(PAGE)
    text = toml_document(values)
    assert same(tomllib.loads(text), values)
    for private in ("Kim", "010-1234", "Long Street", "her number", "# inline", "# of one", "the first"):
        assert private not in text
    assert "# no comment" in text  # it is part of a text


def texts(size: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=size)


TEXTS = texts(20) | st.builds(lambda text, n: text * n, texts(20), st.integers(1, 40))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
PLAIN = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXTS
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | ZONES)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(page=st.dictionaries(texts(8), VALUES, max_size=6))
@settings(max_examples=300)
def test_values_survive_and_the_text_of_a_text_read_again_is_the_same(page: dict[str, Any]) -> None:
    text = toml_document(page)
    again = tomllib.loads(text)
    assert same(again, page)
    assert toml_document(again) == text


@given(text=TEXTS | st.text(" \t\n\\\"'a", min_size=90, max_size=2_500))
@settings(max_examples=75)
def test_a_long_text_is_broken_into_lines_that_a_document_may_have(text: str) -> None:
    page = {"note": text, "list": [text, text]}
    written = toml_document(page)
    assert tomllib.loads(written) == page
    assert max(map(len, written.split("\n"))) <= MAX_TOML_LINE


PAGES = sorted(p for p in data_root().rglob("*.toml"))


LOADERS: dict[str, Callable[[Path], Document]] = {
    "assumptions": load_ledger,
    "incidents": load_incident,
    "layouts": load_layout,
    "policies": load_policy,
}


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name in LOADERS], ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_a_document_is_written_from_its_values_and_read_again(page: Path, tmp_path: Path) -> None:
    load = LOADERS[page.parent.name]
    document = load(page)
    copy = tmp_path / "copy.toml"
    copy.write_text(document_text(document), "utf-8")
    assert load(copy) == document
    assert document_text(load(copy)) == copy.read_text("utf-8")


def test_a_policy_with_every_key_is_written_and_read_again(tmp_path: Path) -> None:
    policy = load_policy(ROOT / "docs" / "every-key.toml")
    (tmp_path / "copy.toml").write_text(document_text(policy), "utf-8")
    assert load_policy(tmp_path / "copy.toml") == policy
