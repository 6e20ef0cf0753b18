"""Values as people write them: what the proposed layout reads of a file, and what it rejects."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import inspect_file, read_claims
from outage_analysis.incidents import Layout, load_incident, load_layout
from tests.claims.complaint_files import write_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from outage_analysis.claims import Claims
    from outage_analysis.incidents import Incident

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

WRITE_IT = "Write it as 2022-10-19, or name its notation under [formats]."
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


def test_a_day_with_two_readings_in_the_window_is_rejected_if_the_column_has_both_orders(
    tmp_path: Path, courier: Incident
) -> None:
    days = ("14/05/2024", "15/05/2024", "05/20/2024", "05/06/2024", "06/06/2024", "05/07/2024")
    path = complaints(tmp_path / "a.csv", days=days)
    assert proposed(path, courier)["formats"] == {"filed_on": ["dmy", "mdy"], "loss": ["plain"]}
    claims = read_as_proposed(path, courier)
    assert values(claims, "filed_on") == {
        "A1": date(2024, 5, 14),
        "A2": date(2024, 5, 15),
        "A3": date(2024, 5, 20),
        "A5": date(2024, 6, 6),
        "A6": date(2024, 5, 7),  # the fifth of July is after the window
    }
    assert claims.rejects.select("row", "value", "problem", "remedy").rows() == [
        (
            5,
            "05/06/2024",
            "filed_on is not a date.",
            f"It may be 2024-05-06 or 2024-06-05, which are both in the claims window. {WRITE_IT}",
        )
    ]


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (("14.05.24", "01.06.24"), ["dmy_short"]),
        (("05/14/24", "06/01/24"), ["mdy_short"]),
        (("24-05-14", "24-06-01"), ["short"]),
        (("24년 5월 14일", "24년 6월 1일"), ["short"]),
        (("5월 14일", "6월 1일"), ["no_year"]),
        (("14 May 2024", "June 1, 2024"), ["month_name"]),
        (("14. Mai 2024", "1. Juni 2024"), ["month_name"]),
        (("14-May-24", "01-Jun-24"), ["month_name_short"]),
        (("14.5.2024", "1 Jun 2024"), ["dmy", "month_name"]),
    ],
)
def test_the_proposed_layout_reads_days_as_they_are_written(
    tmp_path: Path, courier: Incident, texts: tuple[str, str], formats: list[str]
) -> None:
    path = complaints(tmp_path / "a.csv", days=texts)
    assert proposed(path, courier)["formats"] == {"filed_on": formats, "loss": ["plain"]}
    claims = read_as_proposed(path, courier)
    assert values(claims, "filed_on") == {"A1": date(2024, 5, 14), "A2": date(2024, 6, 1)}


def test_a_day_outside_the_window_may_be_in_another_notation(tmp_path: Path, courier: Incident) -> None:
    claims = read_as_proposed(complaints(tmp_path / "a.csv", days=("14/05/2024", "05/12/2024")), courier)
    (remedy,) = claims.rejects["remedy"]
    assert remedy.startswith("Read as mdy it would be 2024-05-12: if so, name that notation under [formats].")


# --- missing values ---------------------------------------------------------------------------------------


def test_texts_for_missing_values_are_proposed_and_are_no_loss(tmp_path: Path, courier: Incident) -> None:
    losses = ("12.50", "NA", "-", "n/a", " N/A ", "미상", "", "0", "NA")
    path = complaints(tmp_path / "a.csv", losses=losses)
    layout = inspect_file(path, courier).layout_toml
    assert tomllib.loads(layout)["missing"] == ["NA", "-", "N/A", "미상"]
    assert '# "NA" in 2 rows of loss, "-" in 1 row of loss,' in layout
    claims = read_as_proposed(path, courier)
    expected = [1250, None, None, None, None, None, None, 0, None]
    assert list(values(claims, "loss").values()) == expected
    assert claims.rejects.is_empty()


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
    dimensions = [d.id for d in incident.dimensions]
    texts = [d for d in incident.dimensions if d.kind == "text"]
    assert texts
    header = ["claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss", *dimensions]
    service, type_ = incident.services[0].id, incident.claimant_types[0].id
    rows = [
        [f"k{n}", "nil", service, type_, "2022-10-20", "Nil", *(["NIL"] * len(dimensions))]
        for n in range(1, many + 1)
    ]
    rows += [["nil", "u1", service, type_, "2022-10-20", "1", *([""] * len(dimensions))]]
    rows += [["k0", "u1", "nil", type_, "2022-10-20", "1", *([""] * len(dimensions))]]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(map(",".join, [header, *rows])) + "\n", "utf-8")
    claims = read_claims(path, kakao, layouts=[Layout(missing=(" nil ",))], max_rejects=1)
    found = exact(claims)
    assert found["claimant_id"].to_list() == found["claim_id"].to_list()  # each its own claimant
    assert found.select("loss", *(d.id for d in texts)).rows() == [(None,) * (1 + len(texts))] * many
    assert claims.rejects["rule"].to_list() == ["claim_id is given", "service is known"]


def test_an_empty_text_for_missing_values_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty cell is always a missing value"):
        Layout(missing=("NA", " "))


# --- amounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (("1.234,50 €", "12,50 €"), ["european_currency"]),
        (("1.234,50", "12,50 €"), ["european", "european_currency"]),
        (("€1,234.50", "12.50 EUR"), ["currency"]),
        (("1 234,50", "12,50"), ["spaced_european"]),
        (("1'234.50", "12.50"), ["spaced"]),
        (("EUR 1'234.50", "EUR 12.50"), ["spaced_currency"]),
        (("1\N{NARROW NO-BREAK SPACE}234,50 €", "12,50 €"), ["european_currency"]),
    ],
)
def test_the_proposed_layout_reads_amounts_as_they_are_written(
    tmp_path: Path, courier: Incident, texts: tuple[str, str], formats: list[str]
) -> None:
    path = complaints(tmp_path / "a.csv", losses=texts)
    assert proposed(path, courier)["formats"] == {"filed_on": ["iso"], "loss": formats}
    assert values(read_as_proposed(path, courier), "loss") == {"A1": 123_450, "A2": 1_250}


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

JOINED = [
    ["branch", "no", "service", "claimant_type", "date", "time", "loss"],
    ["S1", "1", "pickup", "trader", "2024-05-20", "15:30", "1.50"],
    ["S1", "2", "pickup", "trader", "2024-05-21", "", "2.50"],
    ["S2", "1", "pickup", "trader", "2024-05-22", "09:05", "3.50"],
    ["S2", "", "pickup", "trader", "2024-05-23", "09:05", "4.50"],
    ["S2", " 1", "pickup", "trader", "2024-05-22", "09:05", "3.50"],
    ["S3", "1", "pickup", "trader", "soon", "09:05", "3.50"],
]
JOINS = Layout(computed={"claim_id": ("branch", "no"), "filed_on": ("Date", "time")})


def written(path: Path, table: list[list[str]]) -> Path:
    """A table in the format of the suffix of a path."""
    return write_frame(path, pl.DataFrame(table[1:], schema=table[0], orient="row"))


SUFFIXES = (".csv", ".jsonl", ".parquet", ".xlsx")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_id_may_be_the_file_and_the_row(tmp_path: Path, courier: Incident, suffix: str) -> None:
    rows = [[row[0], *row[2:5], row[6]] for row in JOINED]
    rows[0] = ["branch", "service", "claimant_type", "filed_on", "loss"]
    path = written(tmp_path / f"a{suffix}", rows)
    assert proposed(path, courier)["computed"] == {"claim_id": "row"}
    claims = read_as_proposed(path, courier)
    first = 1 if suffix in (".jsonl", ".parquet") else 2
    expected = [(f"a{suffix}#{first + n}", loss) for n, loss in enumerate((150, 250, 350, 450, 350))]
    assert exact(claims).select("claim_id", "loss").rows() == expected
    assert claims.rejects.select("row", "rule").rows() == [(first + 5, "filed_on is a date")]
    assert claims.files.select("rows", "claims", "rejects").row(0) == (6, 5, 1)


def test_a_column_of_ids_is_read_even_if_the_layout_numbers_rows(tmp_path: Path, courier: Incident) -> None:
    path = complaints(tmp_path / "a.csv")
    claims = read_claims(path, courier, layouts=[Layout(computed={"claim_id": "row"})])
    assert claims.to_polars()["claim_id"].to_list() == ["A1"]


@pytest.mark.parametrize(
    ("computed", "message"),
    [
        ({"filed_on": "row"}, 'Only claim_id may be "row"'),
        ({"claim_id": ("no",)}, "at least 2 items"),
        ({"claim_id": "file"}, "row"),
    ],
)
def test_a_computed_column_of_another_kind_is_refused(computed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layout.model_validate({"computed": computed})


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


def test_a_scale_with_too_many_decimals_is_refused() -> None:
    with pytest.raises(ValueError, match="more than nine decimals"):
        Layout(scale={"loss": 0.1234567891})
