"""Outages derived from complaint files: days, services, currency and units; rows of several claims."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.claims import Claims, incident_from_files, read_claims, save_claims
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Layout
from tests.claims.complaint_files import write_frame
from tests.commands import GOOD, HEADER
from tests.contract.command_line import outage_analysis

TICKETS = """Ticket No,Customer ID,Product,Received,Damage (KRW)
1,c1,KakaoTalk,2022-10-16,"120,000"
2,c2,Kakao Bank,2022-10-17,
3,c3,kakaotalk,2022-10-18,"450,000"
4,c4,KakaoTalk,2022-10-18,"1,450,000"
"""


def written(folder: Path, text: str, name: str = "complaints.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.slow
def test_services_days_and_currency_come_from_the_file(tmp_path: Path) -> None:
    incident = incident_from_files(written(tmp_path, TICKETS))
    assert (incident.id, incident.currency) == ("complaints", "KRW")
    assert [(s.id, s.name.en, s.aliases) for s in incident.services] == [
        ("kakaotalk", "KakaoTalk", ("kakaotalk",)),
        ("kakao-bank", "Kakao Bank", ()),
    ]
    assert (incident.claims_from, incident.claims_to) == (date(2022, 10, 16), date(2022, 10, 18))
    start = incident.outage.start.isoformat()
    assert (incident.time_zone, start) == ("Asia/Seoul", "2022-10-16T00:00:00+09:00")
    assert [item.id for item in incident.claimant_types] == ["claimant"]


@pytest.mark.slow
def test_several_files_give_one_incident_with_the_services_of_all(tmp_path: Path) -> None:
    written(tmp_path, TICKETS, "a.csv")
    written(tmp_path, "claim_id,service,filed_on,loss\n9,Kakao T,2022-11-01,5원\n", "b.csv")
    incident = incident_from_files(tmp_path)
    assert [s.id for s in incident.services] == ["kakaotalk", "kakao-bank", "kakao-t"]
    assert (incident.claims_to, len(read_claims(tmp_path, incident))) == (date(2022, 11, 1), 5)


PLAIN = "claim_id,service,filed_on,loss\n1,App,2026-01-15,12\n2,Web,2026-01-16,7\n"


@pytest.mark.slow
def test_names_in_korean_get_numbered_ids_and_keep_their_names(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "접수번호,서비스,유형,접수일,피해액(원)\n1,카카오톡,개인,2022-10-16,5\n2,카카오T,소상공인,2022-10-17,7\n",
    )
    incident = incident_from_files(path)
    assert [(item.id, item.name["ko"]) for item in (*incident.services, *incident.claimant_types)] == [
        *(("service-1", "카카오T"), ("service-2", "카카오톡")),
        *(("type-1", "개인"), ("type-2", "소상공인")),
    ]


@pytest.mark.slow
def test_a_file_with_the_name_of_a_bundled_incident_gets_another_id(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN, "kakao-2022.csv")
    assert incident_from_files(path, currency="KRW").id == "kakao-2022-claims"


@pytest.mark.slow
def test_saved_claims_of_a_bundled_incident_need_no_incident(tmp_path: Path) -> None:
    claims = read_claims(written(tmp_path, f"{HEADER}{GOOD}"), "kakao-2022")
    save_claims(claims, tmp_path / "saved.parquet")
    again = read_claims(tmp_path / "saved.parquet")
    assert again.incident == claims.incident
    places = ("source_file", "source_row")
    assert again.to_polars().drop(places).equals(claims.to_polars().drop(places))


@pytest.mark.slow
def test_a_file_without_a_recognised_loss_names_its_columns_and_asks_for_no_currency(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace("loss", "Wert (EUR)"))
    with pytest.raises(UsageError, match=r"recognised as the loss.*Wert \(EUR\)") as caught:
        read_claims(path)
    assert "currency" not in str(caught.value)
    assert read_claims(path, columns={"loss": "Wert (EUR)"}).incident.currency == "EUR"


@pytest.mark.slow
def test_no_deadline_is_derived_and_missing_claimants_are_stated(tmp_path: Path) -> None:
    incident = incident_from_files(written(tmp_path, PLAIN), currency="KRW")
    assert incident.deadlines_by(date.max) == ()
    assert "each claim counts as a claimant of its own" in incident.limits[-1].en
    assert len(incident_from_files(written(tmp_path, TICKETS)).limits) == 1


@pytest.mark.slow
def test_a_key_with_an_object_makes_no_row_unreadable(tmp_path: Path) -> None:
    lines = (
        f'{{"ticket_id":"N-{n}","product":"App","created_at":"2026-03-0{n}","loss_usd":{n}.5,"tags":["x"]}}\n'
        for n in range(1, 4)
    )
    claims = read_claims(written(tmp_path, "".join(lines), "tickets.jsonl"))
    assert claims.to_polars()["loss"].to_list() == [1.5, 2.5, 3.5]
    with pytest.raises(InputRefused, match="has 2 rows, none of which can be read"):
        read_claims(written(tmp_path, '{"a":1,"a":2}\n{"a":1,"a":2}\n', "double.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("times", "first", "last"),
    [
        # A time without a UTC offset does not decide the day; an invalid time makes the row unreadable.
        (["2026-02-01 23:59:59", "2026-02-01 00:00:01", "2026-02-02 24:00:00"], (2026, 2, 1), (2026, 2, 1)),
        # The same local time is another day in UTC, if the offset differs.
        (["2026-02-02T03:00:00+09:00", "2026-02-02T03:00:00+00:00"], (2026, 2, 1), (2026, 2, 2)),
    ],
)
def test_the_first_and_the_last_day_are_those_of_all_times(
    tmp_path: Path, times: list[str], first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    lines = [f"{at},App,{time},1\n" for at, time in enumerate(times)]
    incident = incident_from_files(written(tmp_path, "id,service,filed_on,loss (EUR)\n" + "".join(lines)))
    assert (incident.claims_from, incident.claims_to) == (date(*first), date(*last))


ROWS: list[tuple[str | None, ...]] = [
    # trip, line, date, delay, passengers
    ("T1", "North", "2026-01-15", "35", "3"),
    ("T2", "North", "2026-01-15", "70", "1"),
    ("T3", "South", "2026-01-16", None, "4"),
    ("T4", "South", "2026-01-16", "130", "200"),
    ("T5", "South", "2026-01-17", "130", " 12 "),  # a blank: not on the fast path
    ("T6", "North", "2026-01-17", "95", "7"),
    ("T7", "North", "2026-01-17", "-20", "5"),  # a reject of five claims
]
TRIP = ("trip", "line", "date", "delay", "passengers")
ABOUT: dict[str, Any] = {
    "columns": {"claim_id": "trip", "service": "line", "filed_on": "date", "loss": "delay"},
    "loss_unit": "minutes",
    "currency": "EUR",
    "max_rejects": 0.05,
}
COUNTED: dict[str, Any] = ABOUT | {"count": "passengers"}


def trips(path: Path, rows: list[tuple[str | None, ...]]) -> Path:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(TRIP, pl.String), orient="row")
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        frame = frame.with_columns(pl.col("passengers").str.strip_chars().cast(pl.Int64))
    return write_frame(path, frame)


def repeated_by_hand() -> list[tuple[str | None, ...]]:
    return [
        (f"{trip}#{copy}", *rest, count)
        for trip, *rest, count in ROWS
        for copy in range(1, int(str(count)) + 1)
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_claims_cube_and_rejects_are_those_of_repeated_rows(tmp_path: Path, suffix: str) -> None:
    counted = read_claims(trips(tmp_path / "a" / f"delays{suffix}", ROWS), **COUNTED)
    by_hand = read_claims(trips(tmp_path / "b" / f"delays{suffix}", repeated_by_hand()), **ABOUT)
    assert len(counted) == len(by_hand) == 3 + 1 + 4 + 200 + 12 + 7
    assert counted.files.rows() == by_hand.files.rows() == [(f"delays{suffix}", 232, 227, 5)]
    one, other = (c.to_polars().drop("source_row").sort("claim_id").rows() for c in (counted, by_hand))
    assert one == other
    for dimensions in (["service"], ["service", "claimant_type", "filed_on"]):
        cubes = [oa.build_cube(claims, dimensions=dimensions).frame for claims in (counted, by_hand)]
        assert cubes[0].rows() == cubes[1].rows()
    assert counted.rejects.drop("row").rows() == by_hand.rejects.drop("row").rows()
    assert counted.control_totals.rows() == by_hand.control_totals.rows()
    for query in counted.queries()["query"]:
        assert counted.query(query).rows() == by_hand.query(query).rows(), query


@pytest.mark.parametrize("count", ["", "0", "-1", "1.5", "many", "1000001"])
def test_a_row_without_a_count_is_a_reject(tmp_path: Path, count: str) -> None:
    path = trips(tmp_path / "delays.csv", [*ROWS[:6], ("T9", "North", "2026-01-17", "5", count)])
    claims = read_claims(path, **COUNTED)
    assert claims.rejects.select("row", "rule").rows() == [
        (8, "count is a whole number of claims, at least 1")
    ]
    assert claims.files.rows() == [("delays.csv", 228, 227, 1)]


def test_a_column_of_counts_is_read_only_if_it_is_named_and_not_beside_claimants(tmp_path: Path) -> None:
    path = written(tmp_path, "claim_id,service,filed_on,loss,count\n1,App,2026-01-15,5,9\n")
    found = [read_claims(path, currency="EUR", columns=named) for named in ({}, {"count": "count"})]
    assert list(map(len, found)) == [1, 9]
    written(tmp_path, "claim_id,claimant_id,service,filed_on,loss,n\n1,c1,App,2026-01-15,5,9\n")
    with pytest.raises(InputRefused, match="names one claimant for each row and says how many claims"):
        read_claims(path, currency="EUR", columns={"count": "n"})


DURATIONS = """trip;line;date;due;arrived
T1;North;15.01.2026;15.01.2026 10:00;15.01.2026 10:35
T2;North;15.01.2026;15.01.2026 23:50;16.01.2026 01:00
T3;South;16.01.2026;;
T4;South;29.03.2026;29.03.2026 01:00;29.03.2026 04:00
T5;South;16.01.2026;16.01.2026 08:00;
T6;South;16.01.2026;16.01.2026 08:00;16.01.2026 07:55
T7;South;16.01.2026;16.01.2026 08:00:00;16.01.2026 08:00:30
"""


def test_a_loss_is_the_time_between_two_columns(tmp_path: Path) -> None:
    path = written(tmp_path, DURATIONS)
    facts: dict[str, Any] = {
        "columns": {"claim_id": "trip", "service": "line"},
        "loss_unit": "minutes",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
    }
    claims = read_claims(path, computed={"loss": ["due", "arrived"]}, max_rejects=0.5, **facts)
    # The clocks are set forward on 29 March: from one o'clock to four o'clock are two hours.
    assert claims.to_polars()["loss"].to_list() == [35, 70, None, 120]
    assert claims.rejects["row"].to_list() == [6, 7, 8]  # no end; before the start; half a minute
    layout = Layout(computed={"loss": ("due", "arrived")})
    assert incident_from_files(path, layouts=[layout], **facts) == claims.incident
    stated = facts | {"loss_unit": "seconds", "computed": {"loss": ["due", "arrived"]}}
    seconds = read_claims(path, max_rejects=0.5, **stated)
    assert seconds.to_polars()["loss"].to_list() == [2100, 4200, None, 7200, 30]


def with_losses(folder: Path, header: str, *losses: object) -> Path:
    rows = [f'{at},Taxi,2026-03-0{at},"{loss}"' for at, loss in enumerate(losses, start=1)]
    return written(folder, "\n".join([f'claim_id,service,filed_on,"{header}"', *rows, ""]))


def losses(claims: Claims) -> list[int]:
    return claims.warehouse.frame("select loss from exact_claims order by source_row")["loss"].to_list()


@pytest.mark.slow
def test_other_text_in_brackets_refuses_the_file_until_the_scale_is_stated(tmp_path: Path) -> None:
    header = "loss (per flight)"
    path = with_losses(tmp_path, header, 30)
    with pytest.raises(InputRefused) as refused:
        read_claims(path, currency="KRW", columns={"loss": header})
    text = str(refused.value)
    assert all(said in text for said in (path.name, header, "scale=1", "[scale] of a layout"))
    claims = read_claims(path, currency="KRW", columns={"loss": header}, scale=1_000)
    assert losses(claims) == [30_000]


@pytest.mark.slow
def test_the_stated_scale_replaces_that_of_the_header(tmp_path: Path) -> None:
    path = with_losses(tmp_path, "loss (thousand KRW)", 30, "0.5")
    found = [losses(read_claims(path, scale=scale)) for scale in (None, 1_000_000, 2)]
    assert found == [[30_000, 500], [30_000_000, 500_000], [60, 1]]


@pytest.mark.slow
def test_minutes_are_no_money(tmp_path: Path) -> None:
    path, columns = with_losses(tmp_path, "loss (minutes)", 75), {"loss": "loss (minutes)"}
    with pytest.raises(InputRefused, match='loss_unit="minutes"'):
        read_claims(path, currency="EUR", columns=columns)
    assert losses(read_claims(path, currency="EUR", loss_unit="minutes", columns=columns)) == [75]
    with pytest.raises(InputRefused, match="says minutes in its header, but losses are in hours"):
        read_claims(path, currency="EUR", loss_unit="hours", columns=columns)
    with pytest.raises(InputRefused, match="says EUR in its header, but losses are in minutes"):
        read_claims(with_losses(tmp_path, "loss (EUR)", 75), currency="EUR", loss_unit="minutes")


@pytest.mark.slow
@pytest.mark.parametrize("header", ["loss (KRW)", "loss_krw", "loss (천원)", "loss (thousand won)"])
def test_a_header_and_the_stated_currency_must_agree(tmp_path: Path, header: str) -> None:
    path = with_losses(tmp_path, header, 30)
    with pytest.raises(InputRefused, match="says KRW in its header, but the currency is EUR") as refused:
        read_claims(path, currency="EUR", columns={"loss": header})
    assert refused.value.column == header
    run = outage_analysis(
        "cost", str(path), "--tiers", "1:1", "--currency", "EUR", "--column", f"loss={header}"
    )
    assert run.code == InputRefused.exit_code
    assert "--currency KRW" in run.err


def with_currencies(folder: Path, header: str, codes: list[str]) -> Path:
    rows = [f"{at},Taxi,2026-03-02,{100 * at},{code}" for at, code in enumerate(codes, start=1)]
    return written(folder, "\n".join([f"claim_id,service,filed_on,loss,{header}", *rows, ""]))


@pytest.mark.slow
@pytest.mark.parametrize("header", ["currency", "Currency Code", "통화", "Währung"])
def test_rows_in_several_currencies_are_refused_with_their_numbers(tmp_path: Path, header: str) -> None:
    path = with_currencies(tmp_path, header, ["USD", "EUR", "usd", ""])
    for further in ({}, {"currency": "USD"}, {"currency": "EUR", "scale": 1_000}):
        with pytest.raises(InputRefused, match="several currencies: USD in 2, EUR in 1") as refused:
            read_claims(path, **further)
        assert (refused.value.column, refused.value.file) == (header, path.name)
        assert "convert" in refused.value.remedy


@pytest.mark.slow
def test_one_currency_in_a_column_is_that_of_the_losses(tmp_path: Path) -> None:
    path = with_currencies(tmp_path, "currency", ["eur", "€", "n/a", ""])
    assert read_claims(path).incident.currency == "EUR"
    delays = read_claims(path, currency="KRW", loss_unit="minutes")
    assert losses(delays) == [100, 200, 300, 400]
    assert losses(read_claims(path, currency="EUR")) == [100_00, 200_00, 300_00, 400_00]
    with pytest.raises(InputRefused, match="rows in EUR, but the currency is KRW"):
        read_claims(path, currency="KRW")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_an_incident_refuses_rows_in_another_currency(tmp_path: Path, suffix: str) -> None:
    own = read_claims(with_currencies(tmp_path, "currency", ["USD"] * 3))
    incident, frame = own.incident, own.to_polars()
    table = frame.select("claim_id", "service", "filed_on", loss=frame["loss"].cast(pl.Int64))
    path = write_frame(tmp_path / f"own{suffix}", table.with_columns(currency=pl.lit("USD")))
    assert losses(read_claims(path, incident)) == [100_00, 200_00, 300_00]
    for codes, said in (
        (["USD", "EUR", "USD"], "(?=.*EUR in 1)(?=.*USD.* in 2)"),
        (["EUR"] * 3, "rows in EUR"),
    ):
        write_frame(path, table.with_columns(currency=pl.Series(codes)))
        with pytest.raises(InputRefused, match=said):
            read_claims(path, incident)


@pytest.mark.parametrize(
    "title",
    ["Complaints (thousand KRW)", "Amounts in thousand KRW", "(losses in KRW thousands)", "Losses, 1000 won"],
)
def test_a_unit_above_the_header_is_refused_in_english_too(tmp_path: Path, title: str) -> None:
    path = with_losses(tmp_path, "loss", 30)
    path.write_text(f'"{title}"\n{path.read_text("utf-8")}', "utf-8")
    with pytest.raises(InputRefused, match=r"says a unit above its header.+loss = 1000 under"):
        read_claims(path, currency="KRW")
    assert losses(read_claims(path, currency="KRW", scale=1_000)) == [30_000]


@pytest.mark.parametrize("title", ["Complaints in KRW", "Losses above 10 million won", "1,000 complaints"])
def test_a_title_without_a_unit_changes_nothing(tmp_path: Path, title: str) -> None:
    path = with_losses(tmp_path, "loss", 30)
    path.write_text(f'"{title}"\n{path.read_text("utf-8")}', "utf-8")
    assert losses(read_claims(path, currency="KRW")) == [30]


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0, -5, float("nan"), float("inf")])
def test_a_scale_that_is_no_positive_number_is_refused_before_a_file_is_read(scale: float) -> None:
    with pytest.raises(UsageError, match="the scale is not a number above 0") as refusal:
        read_claims("missing.csv", scale=scale)
    assert "1000 if losses are in thousands" in refusal.value.remedy


TOTALS: list[tuple[str, int, tuple[object, ...], tuple[float | None, ...]]] = [
    ("(kEUR)", 1_000, (1.5, 2, 30, 0, 4, ""), (5, 37_500, 0, 2_000, 30_000)),
    ("(EUR)", 1, (7.25, 300, ""), (2, 307.25, 7.25, 7.25, 300)),
    ("(EUR)", 1, ("",), (0, None, None, None, None)),
]
"""The unit in a header, its scale, losses, and their number, sum, smallest, lower median and largest."""


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "scale", "told", "totals"), TOTALS)
def test_a_file_has_its_control_totals_with_unit_and_scale(
    tmp_path: Path, unit: str, scale: int, told: tuple[object, ...], totals: tuple[float | None, ...]
) -> None:
    own = None if totals[0] else read_claims(with_losses(tmp_path, "loss (EUR)", 5)).incident
    path = with_losses(tmp_path, f"loss {unit}", *told)
    claims = read_claims(path, own)
    columns = ("stated", "total", "smallest", "median", "largest", "unit", "scale")
    inspected = oa.inspect_file(path, claims.incident)
    for table in (claims.control_totals, inspected.amounts):
        assert table.select(columns).rows() == [(*totals, "EUR", scale)]
