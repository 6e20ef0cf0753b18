"""The files of the named queries: what a row means, their steps and their columns."""

from __future__ import annotations

import pytest

from outage_analysis.claims import Claims, load_sample
from outage_analysis.text import schemas_of

NAMED = schemas_of("query")


@pytest.fixture(scope="module")
def claims() -> Claims:
    return load_sample("trams")


@pytest.mark.parametrize("name", NAMED)
def test_a_result_has_the_columns_that_are_described(name: str, claims: Claims) -> None:
    some = claims.to_polars()["service"][0]
    for each in (claims, claims.filter(service=some), claims.filter(loss=None), claims.filter(service=[])):
        NAMED[name].check(each.exact_rows(name))
