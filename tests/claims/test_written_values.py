"""Values as people write them: what the proposed layout reads of a file, and what it rejects."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.claims import Claims, inspect_file, read_claims
from outage_analysis.incidents import Incident, Layout, load_incident, load_layout

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

COURIER = """
id = "courier"
name = { en = "Parcel service outage" }
currency = "EUR"
minor_units = 2
time_zone = "Europe/Berlin"
outage = { start = 2024-05-03T06:00:00+02:00, end = 2024-05-04T18:00:00+02:00 }
claims_from = 2024-05-03
claims_to = 2024-06-12
loss = { name = { en = "Reported loss" }, unit = "EUR", plausible_to = 100_000_000 }
[[service]]
id = "pickup"
name = { en = "Pick-up point" }
[[claimant_type]]
id = "trader"
name = { en = "Trader" }
"""


@pytest.fixture
def courier(tmp_path: Path) -> Incident:
    """An outage whose losses are in euros and cents, with claims from 3 May to 12 June 2024."""
    path = tmp_path / "courier.toml"
    path.write_text(COURIER, "utf-8")
    return load_incident(path)


def complaints(
    path: Path, *, days: Sequence[str] = ("2024-05-20",), losses: Sequence[str] = ("1.50",)
) -> Path:
    """A file with one row per day or loss; the ids are A1, A2 and so on."""
    count = max(len(days), len(losses))
    days, losses = ([*texts] * (1 if len(texts) == count else count) for texts in (days, losses))
    rows = [f"A{n};pickup;trader;{days[n - 1]};{losses[n - 1]}" for n in range(1, count + 1)]
    path.write_text("\n".join(["claim_id;service;claimant_type;filed_on;loss", *rows]) + "\n", "utf-8")
    return path


def proposed(path: Path, incident: Incident) -> dict[str, object]:
    """The layout that the inspection proposes."""
    return tomllib.loads(inspect_file(path, incident).layout_toml)


def read_as_proposed(path: Path, incident: Incident) -> Claims:
    """The claims of a file, read with the layout that the inspection proposes."""
    layout = path.with_name("layout.toml")
    layout.write_text(inspect_file(path, incident).layout_toml, "utf-8")
    return read_claims(path, incident, layouts=[load_layout(layout)], max_rejects=1)


def exact(claims: Claims) -> pl.DataFrame:
    """The claims with losses in the smallest unit."""
    return claims.query("from exact_claims order by source_file, source_row")


def values(claims: Claims, column: str) -> dict[str, object]:
    """Claim id -> value, in the order of the file."""
    return dict(exact(claims).sort("claim_id").select("claim_id", column).iter_rows())


# --- days -------------------------------------------------------------------------------------------------


def test_a_day_outside_the_window_may_be_in_another_notation(tmp_path: Path, courier: Incident) -> None:
    claims = read_as_proposed(complaints(tmp_path / "a.csv", days=("14/05/2024", "05/12/2024")), courier)
    (remedy,) = claims.rejects["remedy"]
    assert remedy.startswith("Read as mdy it would be 2024-05-12: if so, name that notation under [formats].")


# --- missing values ---------------------------------------------------------------------------------------


def test_a_text_for_a_missing_value_is_a_reject_until_a_layout_declares_it(
    tmp_path: Path, courier: Incident
) -> None:
    path = complaints(tmp_path / "a.csv", losses=("12.50", "NA"))
    rejects = read_claims(path, courier, max_rejects=1).rejects
    assert rejects.select("row", "value").rows() == [(3, "NA")]
    assert rejects["remedy"].to_list() == [
        'If it means that no loss is stated: missing = ["NA"] in a layout (layouts=).'
    ]


@pytest.mark.parametrize("many", [1, 400])  # in some of the first rows, or in most of them
def test_a_missing_value_is_missing_in_every_column_but_those_with_names(
    tmp_path: Path, incident: Incident, many: int
) -> None:
    kakao = incident.model_copy(update={"constants": {}})
    lines = [f"k{n},nil,카톡,개인,2022-10-20,Nil,NIL,NIL,NIL" for n in range(1, many + 1)]
    lines += ["nil,u1,카톡,개인,2022-10-20,1,,,", "k0,u1,nil,개인,2022-10-20,1,,,"]
    path = tmp_path / "a.csv"
    header = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region,industry,category"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    claims = read_claims(path, kakao, layouts=[Layout(missing=(" nil ",))], max_rejects=1)
    found = exact(claims)
    assert found["claimant_id"].to_list() == found["claim_id"].to_list()  # each its own claimant
    assert found.select("loss", "region", "industry", "category").rows() == [(None,) * 4] * many
    assert claims.rejects["rule"].to_list() == ["claim_id is given", "service is known"]


# --- amounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts", [("1.230 €", "2.450 €"), ("1.230", "2.450"), ("12,50 €", "12.50 €"), ("1'200.50", "1'200,50")]
)
def test_amounts_that_may_be_read_in_two_ways_are_rejected(
    tmp_path: Path, courier: Incident, texts: tuple[str, str]
) -> None:
    path = complaints(tmp_path / "a.csv", losses=(*texts, "7"))
    assert "loss" not in str(proposed(path, courier)["formats"])
    claims = read_as_proposed(path, courier)
    assert values(claims, "loss") == {"A3": 700}
    assert claims.rejects["value"].to_list() == [*texts]  # shown, because they are no personal numbers


def test_one_amount_with_cents_decides_what_the_points_of_a_column_mean(
    tmp_path: Path, courier: Incident
) -> None:
    claims = read_as_proposed(complaints(tmp_path / "a.csv", losses=("1.230 €", "2.450,00 €")), courier)
    assert values(claims, "loss") == {"A1": 123_000, "A2": 245_000}


# --- ids, joined columns, scales --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"computed": {"filed_on": "row"}}, 'Only claim_id may be "row"'),
        ({"computed": {"claim_id": ("no",)}}, "at least 2 items"),
        ({"computed": {"claim_id": "file"}}, "row"),
        ({"scale": {"loss": 0.1234567891}}, "more than nine decimals"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused(layout: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layout.model_validate(layout)


@pytest.mark.parametrize(
    ("scale", "losses"), [(0.5, [75, 125]), (0.01, [None, None]), (100, [15_000, 25_000]), (1.1, [165, 275])]
)
def test_a_scale_may_be_a_decimal_number(
    tmp_path: Path, courier: Incident, scale: float, losses: list[int | None]
) -> None:
    path = complaints(tmp_path / "a.csv", losses=("1.50", "2.50", "3"))
    claims = read_claims(path, courier, layouts=[Layout(scale={"loss": scale})], max_rejects=1)
    found = values(claims, "loss")
    assert [found.get(id_) for id_ in ("A1", "A2")] == losses  # 1.5 cents are no amount
    assert found["A3"] == round(300 * scale)
