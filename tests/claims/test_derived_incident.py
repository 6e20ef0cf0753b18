"""An incident that is derived from complaint files: what is read, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from outage_analysis.claims import incident_from_files, read_claims, save_claims
from outage_analysis.errors import InputRefused, UsageError
from tests.commands import GOOD, HEADER

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

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


def test_services_days_and_currency_come_from_the_file(tmp_path: Path) -> None:
    incident = incident_from_files(written(tmp_path, TICKETS))
    assert (incident.id, incident.currency) == ("complaints", "KRW")
    assert [(s.id, s.name.en, s.aliases) for s in incident.services] == [
        ("kakaotalk", "KakaoTalk", ("kakaotalk",)),
        ("kakao-bank", "Kakao Bank", ()),
    ]
    assert (incident.claims_from, incident.claims_to) == (date(2022, 10, 16), date(2022, 10, 18))
    assert incident.time_zone == "Asia/Seoul"
    assert incident.outage.start.isoformat() == "2022-10-16T00:00:00+09:00"
    assert [item.id for item in incident.claimant_types] == ["claimant"]


def test_several_files_give_one_incident_with_the_services_of_all(tmp_path: Path) -> None:
    written(tmp_path, TICKETS, "a.csv")
    written(tmp_path, "claim_id,service,filed_on,loss\n9,Kakao T,2022-11-01,5원\n", "b.csv")
    incident = incident_from_files(tmp_path)
    assert [s.id for s in incident.services] == ["kakaotalk", "kakao-bank", "kakao-t"]
    assert incident.claims_to == date(2022, 11, 1)
    assert len(read_claims(tmp_path, incident)) == 5


@pytest.mark.parametrize(
    ("header", "value", "currency", "loss"),
    [
        ("loss (EUR)", "12.50", "EUR", 12.5),
        ("loss_eur", "12.50", "EUR", 12.5),
        ("loss", "€12.50", "EUR", 12.5),
        ("피해액(원)", "12", "KRW", 12),
        ("피해 금액(만원)", "12", "KRW", 120_000),
        ("loss", "12 KRW", "KRW", 12),
    ],
)
def test_the_currency_is_read_where_the_loss_states_it(
    tmp_path: Path, header: str, value: str, currency: str, loss: float
) -> None:
    path = written(tmp_path, f"claim_id,service,filed_on,{header}\n1,App,2026-01-15,{value}\n")
    claims = read_claims(path)
    assert claims.incident.currency == currency
    assert claims.warehouse.frame("select loss from claims")["loss"].to_list() == [loss]


PLAIN = "claim_id,service,filed_on,loss\n1,App,2026-01-15,12\n2,Web,2026-01-16,7\n"


def test_names_in_korean_get_numbered_ids_and_keep_their_names(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "접수번호,서비스,유형,접수일,피해액(원)\n1,카카오톡,개인,2022-10-16,5\n2,카카오T,소상공인,2022-10-17,7\n",
    )
    incident = incident_from_files(path)
    assert [(s.id, s.name["ko"]) for s in incident.services] == [
        ("service-1", "카카오T"),
        ("service-2", "카카오톡"),
    ]
    assert [(item.id, item.name["ko"]) for item in incident.claimant_types] == [
        ("type-1", "개인"),
        ("type-2", "소상공인"),
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-01-14T09:30", "2026-01-14T09:30:00+09:00"),
        (date(2026, 1, 14), "2026-01-14T00:00:00+09:00"),
        (datetime(2026, 1, 14, 9, tzinfo=UTC), "2026-01-14T09:00:00+00:00"),
    ],
)
def test_the_start_of_the_outage_can_be_stated(tmp_path: Path, start: str | date, expected: str) -> None:
    incident = incident_from_files(written(tmp_path, PLAIN), currency="KRW", outage_start=start)
    assert incident.outage.start.isoformat() == expected


def test_a_file_with_the_name_of_a_bundled_incident_gets_another_id(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN, "kakao-2022.csv")
    assert incident_from_files(path, currency="KRW").id == "kakao-2022-claims"


def test_saved_claims_of_a_bundled_incident_need_no_incident(tmp_path: Path) -> None:
    claims = read_claims(written(tmp_path, f"{HEADER}{GOOD}"), "kakao-2022")
    save_claims(claims, tmp_path / "saved.parquet")
    again = read_claims(tmp_path / "saved.parquet")
    assert again.incident == claims.incident
    places = ("source_file", "source_row")
    assert again.to_polars().drop(places).equals(claims.to_polars().drop(places))


def test_a_file_without_a_recognised_loss_names_its_columns_and_asks_for_no_currency(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace("loss", "Wert (EUR)"))
    with pytest.raises(UsageError, match=r"recognised as the loss.*Wert \(EUR\)") as caught:
        read_claims(path)
    assert "currency" not in str(caught.value)
    assert read_claims(path, columns={"loss": "Wert (EUR)"}).incident.currency == "EUR"


def test_no_deadline_is_derived_and_missing_claimants_are_stated(tmp_path: Path) -> None:
    incident = incident_from_files(written(tmp_path, PLAIN), currency="KRW")
    assert incident.deadlines_by(date.max) == ()
    assert "each claim counts as a claimant of its own" in incident.limits[-1].en
    assert len(incident_from_files(written(tmp_path, TICKETS)).limits) == 1


def test_a_key_with_an_object_makes_no_row_unreadable(tmp_path: Path) -> None:
    lines = (
        f'{{"ticket_id":"N-{n}","product":"App","created_at":"2026-03-0{n}","loss_usd":{n}.5,"tags":["x"]}}\n'
        for n in range(1, 4)
    )
    claims = read_claims(written(tmp_path, "".join(lines), "tickets.jsonl"))
    assert claims.to_polars()["loss"].to_list() == [1.5, 2.5, 3.5]
    with pytest.raises(InputRefused, match="has 2 rows, none of which can be read"):
        read_claims(written(tmp_path, '{"a":1,"a":2}\n{"a":1,"a":2}\n', "double.jsonl"))


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
