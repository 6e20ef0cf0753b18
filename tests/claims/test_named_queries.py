"""The files of the named queries: what a row means, their steps and their columns."""

from __future__ import annotations

import re

import pytest

from outage_analysis.claims import Claims, load_sample, queries
from outage_analysis.text import schemas_of
from tests.test_size import SOURCE

NAMED = schemas_of("query")


@pytest.fixture(scope="module")
def claims() -> Claims:
    return load_sample("trams")


def test_there_is_a_file_for_each_query() -> None:
    folder = SOURCE / "claims" / "queries" / "named"
    assert {path.name for path in folder.iterdir()} == {f"{name}.sql" for name in NAMED}


@pytest.mark.parametrize("name", NAMED)
def test_a_file_opens_with_what_one_row_means_and_names_its_steps(name: str) -> None:
    text = queries.named_query(name)
    assert text.partition("\n")[0] == f"-- {NAMED[name].row}"
    assert not re.findall(r"\b(?:from|join)\s+\(", text)


@pytest.mark.parametrize("name", NAMED)
def test_a_result_has_the_columns_that_are_described(name: str, claims: Claims) -> None:
    some = claims.to_polars()["service"][0]
    for each in (claims, claims.filter(service=some), claims.filter(loss=None), claims.filter(service=[])):
        NAMED[name].check(each.exact_rows(name))
