"""A file nobody has seen yet: what is in it, and a layout page that reads it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.claims import Claims, Inspection, inspect_file, read_claims
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident, Layout, load_incident, load_layout
from tests.claims.complaint_files import write_frame
from tests.claims.test_ingest_formats import book
from tests.commands import command

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

CALL_CENTRE = [
    ["티켓 No", "고객ID", "장애 서비스", "구분", "접수 날짜", "피해액(만원)", "연락처", "메모"],
    ["T-1", "u1", "카톡", "소상공인", "19/10/2022", "30", "010-1234-5678", "전화 주세요"],
    ["T-2", "u2", "카뱅", "일반", "20/10/2022", "5.5", "010-2345-6789", "kim@example.com"],
    ["T-3", "u1", "카카오톡", "법인", "03/11/2022", "1,000", "", ""],
    ["T-4", "u3", "카톡", "일반", "04/11/2022", "", "011-123-4567", "900101-1234567"],
]
"""No header is the incident's; days first, losses in 만원, personal data beside them."""
CLAIMS = [
    ("T-1", "u1", "kakaotalk", "small_business", date(2022, 10, 19), 300_000),
    ("T-2", "u2", "kakao_bank", "general_user", date(2022, 10, 20), 55_000),
    ("T-3", "u1", "kakaotalk", "mid_large_firm", date(2022, 11, 3), 10_000_000),
    ("T-4", "u3", "kakaotalk", "general_user", date(2022, 11, 4), None),
]
PERSONAL = (
    *("010-1234-5678", "010-2345-6789", "011-123-4567", "kim@example.com", "900101-1234567"),
    *("1234-5678", "01012345678", "1234567"),
)


def write(path: Path, table: list[list[str]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A table in the format of a path's suffix."""
    header, *rows = table
    write_frame(path, pl.DataFrame(rows, schema=header, orient="row"), separator=delimiter)
    if encoding != "utf-8":
        path.write_bytes(path.read_bytes().decode().encode(encoding))
    return path


def layout_of(found: Inspection, path: Path) -> Layout:
    """The page that was proposed for a file, written beside it and loaded."""
    page = path.with_suffix(".toml")
    page.write_text(found.layout_toml, "utf-8")
    return load_layout(page)


def read_with(found: Inspection, path: Path, incident: Incident) -> Claims:
    """The claims of a file, by the page that was proposed for it."""
    return read_claims(path, incident, layouts=[layout_of(found, path)], max_rejects=1)


def proposed(found: Inspection) -> dict[str, str]:
    """Canonical column -> header."""
    return dict(found.columns.drop_nulls("column").select("column", "header").iter_rows())


def window_of(incident: Incident, first: date, last: date) -> Incident:
    """The incident with an outage on a first day and claims until a last."""
    start = datetime.combine(first, time(), tzinfo=incident.zone)
    outage = incident.outage.model_copy(update={"start": start, "end": start + timedelta(hours=1)})
    return incident.model_copy(update={"outage": outage, "claims_from": first, "claims_to": last})


def remarks(found: Inspection) -> list[str]:
    """The remarks of the page that was proposed, each on one line."""
    return [line for line in found.layout_toml.replace("\n#   ", " ").splitlines() if line.startswith("#")]


def table_of(**columns: list[str]) -> list[list[str]]:
    """A table with the columns that a claim needs, and others in their place."""
    usual = {
        "claim_id": ["1", "2", "3", "4"],
        "service": ["카톡"] * 4,
        "claimant_type": ["일반"] * 4,
        "filed_on": ["2022-10-19"] * 4,
        "loss": ["5", "6", "7", "8"],
    }
    taken = {name: texts for name, texts in (usual | columns).items() if texts}
    return [list(taken), *(list(row) for row in zip(*taken.values(), strict=True))]


# --- the proposal -----------------------------------------------------------------------------------------


def test_columns_are_recognised_by_what_is_in_them(tmp_path: Path, incident: Incident) -> None:
    """And the document says their notations and units, and what is not there."""
    inspection = inspect_file(write(tmp_path / "calls.csv", CALL_CENTRE, delimiter=";"), incident)
    columns = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
    assert proposed(inspection) == dict(zip(columns, CALL_CENTRE[0], strict=False))
    found = inspection.columns.select("reads_as", "missing", "distinct").rows()
    assert found == [
        *(("text", 0, 4), ("text", 0, 3), ("service", 0, 3), ("claimant_type", 0, 3), ("day", 0, 4)),
        *(("amount", 0.25, 3), ("text", 0.25, 3), ("text", 0.25, 3)),
    ]
    assert (inspection.encoding, inspection.records, inspection.unreadable) == ("utf-8", 4, 0)
    assert inspection.dialect.startswith("delimiter ';'")
    page = tomllib.loads(inspection.layout_toml)
    assert page == {
        "files": "calls.csv",
        "columns": {column: [header] for column, header in proposed(inspection).items()},
        "formats": {"filed_on": ["dmy"], "loss": page["formats"]["loss"]},
        "scale": {"loss": 10_000},
        "constants": {"region": "", "industry": "", "category": ""},
    }
    assert set(page["formats"]["loss"]) in ({"grouped"}, {"plain", "grouped"})


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"])
def test_the_document_reads_the_file_that_it_was_proposed_for(
    tmp_path: Path, incident: Incident, suffix: str
) -> None:
    delimiter = "\t" if suffix == ".tsv" else "|"
    path = write(tmp_path / f"calls{suffix}", CALL_CENTRE, delimiter=delimiter)
    found = inspect_file(path, incident)
    claims = read_with(found, path, incident)
    columns = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
    assert claims.to_polars().select(columns).rows() == CLAIMS
    assert claims.rejected_rows.is_empty()
    with pytest.raises(InputRefused, match="is missing"):
        read_claims(path, incident)


@pytest.mark.parametrize(
    ("header", "texts", "notations"),
    [
        ("filed_on", ["2022-10-19", "2022-10-20", "", "2022-10-19T15:30+09:00"], ["iso"]),
        (
            "filed_on",
            ["2022년 10월 19일", "2022. 10. 20.", "2022/10/21", "2022. 10. 21. 오후 3:05"],
            ["korean"],
        ),
        ("filed_on", ["19.10.2022", "20.10.2022", "03.11.2022", "1.11.2022"], ["dmy"]),
        ("filed_on", ["10/19/2022", "10/20/2022", "11/03/2022", "11/1/2022"], ["mdy"]),
        ("filed_on", ["20221019", "20221020", "20221021", "20221019153000"], ["compact"]),
        ("filed_on", ["22-10-19", "22.10.20", "22/10/21", "22-10-22"], ["short"]),
        ("filed_on", ["44853", "44854", "44855.5", "44856"], ["excel"]),
        ("filed_on", ["1666161000", "1666161001", "1666161002000", "1666161003"], ["unix"]),
        ("filed_on", ["2022-10-19", "2022-10-20", "19.10.2022", "nie"], ["iso", "dmy"]),
        ("loss", ["5", "-6", "7.0", ""], ["plain"]),
        ("loss", ["5,000", "6,000,000", "7", "8"], ["grouped"]),
        ("loss", ["₩5,000", "6,000원", "KRW 7", "8 won"], ["won"]),
        ("loss", ["30만원", "1억 2,000만 원", "3천만원", "30만5천원"], ["korean"]),
        ("loss", ["1.000", "1.234.567,89", "12,50", "3.000"], ["european"]),
        ("loss", ["30만원", "300,000원", "많음", "20만원"], ["korean", "won"]),
    ],
)
def test_the_notations_are_those_that_the_texts_need(
    tmp_path: Path, incident: Incident, header: str, texts: list[str], notations: list[str]
) -> None:
    found = inspect_file(write(tmp_path / "a.csv", table_of(**{header: texts})), incident)
    assert tomllib.loads(found.layout_toml)["formats"][header] == notations
    assert found.columns.filter(column=header)["notations"].item() == ", ".join(notations)


AMBIGUOUS = table_of(filed_on=["03/11/2022", "04/11/2022", "05/11/2022", "03/11/2022"])


def test_days_that_could_be_months_are_a_question_where_the_window_cannot_tell(
    tmp_path: Path, incident: Incident
) -> None:
    path = write(tmp_path / "a.csv", AMBIGUOUS)
    whole_year = window_of(incident, date(2022, 1, 1), date(2022, 12, 31))
    found = inspect_file(path, whole_year)
    assert "filed_on" not in tomllib.loads(found.layout_toml)["formats"]
    assert '# filed_on = ["dmy"] or ["mdy"]?' in found.layout_toml
    assert '"03/11/2022" is 2022-11-03 (dmy) or 2022-03-11 (mdy)' in found.layout_toml
    unanswered = read_with(found, path, whole_year)  # all rows may be rejected, and are
    assert (len(unanswered), unanswered.rejects["rule"].to_list()) == (0, ["filed_on is a date"] * 4)
    clear = inspect_file(write(path, [*AMBIGUOUS, ["5", "카톡", "일반", "13/10/2022", "5"]]), whole_year)
    assert tomllib.loads(clear.layout_toml)["formats"]["filed_on"] == ["dmy"]


def test_days_that_could_be_months_are_read_as_the_claims_window_says(
    tmp_path: Path, incident: Incident
) -> None:
    # Claims were filed from 15 October to 6 November 2022: 3 November is possible, 11 March is not.
    found = inspect_file(write(tmp_path / "a.csv", AMBIGUOUS), incident)
    assert tomllib.loads(found.layout_toml)["formats"]["filed_on"] == ["dmy"]


@pytest.mark.parametrize(
    ("first", "last", "formats"),
    [
        (date(2015, 6, 20), date(2015, 7, 20), ["dmy_short"]),
        (date(2024, 6, 1), date(2026, 7, 20), ["short"]),
        (date(2010, 1, 1), date(2030, 1, 1), None),
        (date(2022, 1, 1), date(2022, 12, 31), None),
    ],
)
def test_a_year_of_two_digits_is_the_one_in_the_claims_window(
    tmp_path: Path, incident: Incident, first: date, last: date, formats: list[str] | None
) -> None:
    # 24-06-15 is 15 June 2024, or 24 June 2015.
    table = table_of(filed_on=["24-06-15", "25-06-15", "26-06-15", "24-06-15"])
    found = inspect_file(write(tmp_path / "a.csv", table), window_of(incident, first, last))
    assert tomllib.loads(found.layout_toml)["formats"].get("filed_on") == formats
    if formats is None:
        assert '# filed_on = ["short"] or ["dmy_short"]?' in found.layout_toml


def test_what_is_missing_is_a_remark_and_a_dimension_a_constant(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "a.csv", table_of(claimant_type=[], claim_id=[], region=["서울"] * 4))
    found = inspect_file(path, incident)
    page = tomllib.loads(found.layout_toml)
    assert page["constants"] == {"industry": "", "category": ""}
    assert page["computed"] == {"claim_id": "row"}
    for column in ("claim_id", "claimant_type"):
        assert f'# {column} = ["..."] was not found' in found.layout_toml.splitlines()
    with pytest.raises(InputRefused, match="the column claimant_type is missing"):
        read_with(found, path, incident)


SENTENCES = ["앱이 안 됩니다 1", "주문을 못 받았어요 100건", "결제 오류가 났습니다 2", "앱이 안 됩니다 1"]
NO_IDS = {
    "Phone No": ["2125550143", "2125550144", "2125550145", "2125550146"],
    "callback number": ["2125550143", "2125550144", "2125550145", "2125550146"],
    "No": ["(212) 555-0143", "(212) 555-0144", "(212) 555-0145", "(212) 555-0146"],
    "number": ["212-555-0143", "212-555-0144", "212-555-0145", "212-555-0146"],
    "Case no": ["+442079460958", "+442079460959", "+442079460960", "+442079460961"],
    "티켓 번호": ["0212345678", "0212345679", "0212345670", "0212345671"],
    "고객 번호": ["010-1234-5678", "010-1234-5679", "010-1234-5680", "010-1234-5681"],
    "접수번호": ["010-1234-5678", "010-1234-5679", "010-1234-5680", "010-1234-5681"],
    "id": ["a1@example.com", "a2@example.com", "a3@example.com", "a4@example.com"],
    "고객ID": ["900101-1234567", "900101-2234567", "A-1", "A-2"],
    "customer name": ["김철수", "이영희", "박민수", "최지우"],
    "고객명": ["kim1", "lee2", "park3", "choi4"],
    "customer comment": SENTENCES,
    "user feedback": SENTENCES,
    "신고번호": SENTENCES,
    "회원번호": SENTENCES,
    "customer": ["34", "27", "51", "34"],
    "customer age": ["34", "27", "51", "34"],
    "고객 등급": ["VIP1", "VIP2", "VIP1", "VIP2"],
    "customer order no": ["Z-1", "Z-2", "Z-3", "Z-4"],
    "order no": ["Z-1", "Z-2", "Z-3", "Z-4"],
    "신고 번호": ["2022-10-19", "2022-10-20", "2022-10-21", "2022-10-22"],
}


@pytest.mark.parametrize("header", NO_IDS)
def test_free_text_personal_data_and_other_numbers_are_never_an_id(
    tmp_path: Path, incident: Incident, header: str
) -> None:
    table = table_of(claim_id=[], filed_on=[], date=["2022-10-19"] * 4, **{header: NO_IDS[header]})
    found = inspect_file(write(tmp_path / "a.csv", table), incident)
    assert not {"claim_id", "claimant_id"} & proposed(found).keys()
    assert not {"claim_id", "claimant_id"} & tomllib.loads(found.layout_toml)["columns"].keys()


def test_without_a_safe_id_the_document_says_why_and_what_it_means(
    tmp_path: Path, incident: Incident
) -> None:
    table = table_of(claim_id=[], **{"Phone no": NO_IDS["Phone No"], "customer comment": SENTENCES})
    found = inspect_file(write(tmp_path / "a.csv", table), incident)
    lines = (
        "# No column is a safe id.",
        (
            "# Without it a cost line that pays or caps per claimant is refused, "
            "and each claim counts as a claimant of its own."
        ),
        (
            "# Without it the id is the name of the file and the row, and a complaint that comes again in "
            "another row is not recognised: better name a column that is different in every row."
        ),
    )
    assert set(lines) <= set(remarks(found))
    assert remarks(found).count(lines[0]) == 2


def test_a_known_header_of_personal_data_is_stated_to_be_read(tmp_path: Path, incident: Incident) -> None:
    table = table_of(claim_id=[], 접수번호=NO_IDS["접수번호"])
    found = inspect_file(write(tmp_path / "a.csv", table), incident)
    assert (
        '# The header "접수번호" is known, so its column is read although it holds personal data '
        "(phone number, 4 values): rename the header, or remove the column."
    ) in remarks(found)


# --- what is known already --------------------------------------------------------------------------------


def test_what_was_known_is_used_and_said_again(tmp_path: Path, incident: Incident) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1^소상공인^03/11/2022^30^x\n2^일반^04/11/2022^'7'^y\n", "utf-8")
    known = Layout(
        header_row=0,
        delimiter="^",
        quote="'",
        encoding="utf-8",
        columns={"claim_id": ("1",), "claimant_type": ("2",), "filed_on": ("3",), "loss": ("4",)},
        constants={"service": "카톡", "region": "서울"},
        formats={"filed_on": ("dmy",)},
        scale={"loss": 10_000},
    )
    found = inspect_file(path, incident, layout=known)
    claims = read_with(found, path, incident)
    assert claims.to_polars().select("service", "region", "filed_on", "loss").rows() == [
        ("kakaotalk", "서울", date(2022, 11, 3), 300_000),
        ("kakaotalk", "서울", date(2022, 11, 4), 70_000),
    ]
    page = tomllib.loads(found.layout_toml)
    assert [page[k] for k in ("header_row", "delimiter", "quote", "encoding")] == [0, "^", "'", "utf-8"]


def test_a_sheet_is_chosen_by_name_and_said_in_the_document(tmp_path: Path, incident: Incident) -> None:
    sheets = {name: table_of(claim_id=[name + n for n in "abcd"]) for name in ("10월", "11월")}
    path = book(tmp_path / "a.xlsx", sheets)
    with pytest.raises(InputRefused, match="has the columns on several sheets"):
        inspect_file(path, incident)
    found = inspect_file(path, incident, layout=Layout(sheet="11월"))
    assert tomllib.loads(found.layout_toml)["sheet"] == "11월"
    assert read_with(found, path, incident).to_polars()["claim_id"][0] == "11월a"
    code, out, _ = command("inspect", path, "--sheet", "10월", "--toml")
    assert (code, tomllib.loads(out)["sheet"]) == (0, "10월")


def test_a_column_that_no_claim_needs_may_hold_anything(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "a.parquet", table_of())
    pl.read_parquet(path).with_columns(tags=pl.lit(["a", "b"])).write_parquet(path)
    found = inspect_file(path, incident)
    assert proposed(found).keys() == {"claim_id", "service", "claimant_type", "filed_on", "loss"}


# --- what is shown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [(), ("--json",), ("--toml",)])
def test_a_file_without_a_header_shows_no_person_in_its_place(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = write(tmp_path / "calls.csv", CALL_CENTRE[1:])
    inspected, ingested = command("inspect", path, *flags), command("ingest", path)
    assert (inspected[0], "--toml > new-layout.toml" in inspected[2]) == (0, not flags)
    assert ingested[:2] == (3, "")
    assert not [text for text in PERSONAL if text in str((inspected, ingested))]


HEADLESS = [
    ["A-1", "카톡", "소상공인", "2022-10-19", "30000", "010-1234-5678", "김철수"],
    ["A-2", "멜론", "일반", "2022-10-20", "40000", "010-1234-5679", "이영희"],
    ["A-3", "카톡", "일반", "2022-10-21", "50000", "010-1234-5670", "박민수"],
]


@pytest.mark.parametrize("rows", [HEADLESS, HEADLESS[:1], [[*HEADLESS[0][:4], ""], *HEADLESS[1:]]])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_first_complaint_is_no_header(
    tmp_path: Path, incident: Incident, suffix: str, rows: list[list[str]]
) -> None:
    path, width = tmp_path / f"a{suffix}", min(map(len, rows))
    frame = pl.DataFrame([row[:width] for row in rows], orient="row")
    save = frame.write_excel if suffix == ".xlsx" else frame.write_csv
    save(path, include_header=False)
    found = inspect_file(path, incident)
    assert found.records == len(rows)
    page = tomllib.loads(found.layout_toml)
    assert page["header_row"] == 0
    names = ("claim_id", "service", "claimant_type", "filed_on", "loss")
    assert page["columns"] == {name: [str(at)] for at, name in enumerate(names, start=1)}
    unsure = [line for line in remarks(found) if "the file has no header that confirms it: check it" in line]
    assert len(unsure) == 2  # the id and the loss
    assert read_with(found, path, incident).to_polars()["claim_id"].to_list() == [row[0] for row in rows]


def test_names_of_columns_that_are_a_complaint_are_refused(tmp_path: Path, incident: Incident) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(HEADLESS[1:], schema=HEADLESS[0], orient="row").write_parquet(path)
    with pytest.raises(InputRefused, match="has a complaint in place of the names of its columns"):
        inspect_file(path, incident)


@pytest.mark.parametrize(
    "table",
    [
        [["no", "channel", "user", "day", "damage"], ["A1", "카톡", "일반", "2022-10-19", "5"]],
        [["앱", "2022-10-19", "2022-10-20"], ["카톡", "5", "6"], ["멜론", "7", "8"]],
        [["앱", "2021", "2022"], ["카톡", "5", "6"], ["멜론", "7", "8"]],
    ],
)
def test_a_header_may_be_the_name_of_a_service_or_a_day_or_a_year_above_numbers(
    tmp_path: Path, incident: Incident, table: list[list[str]]
) -> None:
    found = inspect_file(write(tmp_path / "a.csv", table), incident)
    assert found.columns["header"].to_list() == table[0]
    assert found.records == len(table) - 1


def test_a_file_named_after_a_person_shows_no_number(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "010-1234-5678.csv", table_of())
    found = inspect_file(path, incident)
    assert tomllib.loads(found.layout_toml)["files"] == "*.csv"
    assert len(read_with(found, path, incident)) == 4
    for flags in ((), ("--json",), ("--toml",)):
        assert "1234" not in command("inspect", path, *flags)[1]


def test_records_of_another_width_are_counted_and_not_shown(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "a.csv", table_of())
    path.write_text(path.read_text("utf-8") + "010-1234-5678,비밀\n", "utf-8")
    found = inspect_file(path, incident)
    assert (found.records, found.unreadable) == (4, 1)
    out = command("inspect", path)[1]
    assert "4 rows, 1 with a different number of columns" in out.splitlines()[0]
    assert "비밀" not in out


@pytest.mark.parametrize("rows", [[], [["", "", "", "", ""]]])
def test_a_file_of_a_header_alone_can_be_looked_at(
    tmp_path: Path, incident: Incident, rows: list[list[str]]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(row) for row in [table_of()[0], *rows]), "utf-8")
    found = inspect_file(path, incident)
    assert (found.records, found.columns["reads_as"].to_list()) == (0, ["nothing"] * 5)
    layout_of(found, path)


NAMES = {
    "claim_id": ("claim_id", "접수번호", "Ticket No.", "관리 번호", "case id"),
    "claimant_id": ("claimant_id", "고객 코드", "회원", "customer"),
    "service": ("service", "서비스", "무엇", "Product"),
    "claimant_type": ("이용자구분", "누구", "kind"),
    "filed_on": ("filed_on", "접수 일자", "신고 날짜", "received on"),
    "loss": ("loss", "피해 금액", "Damage", "손실(원)"),
}


DECOYS: dict[str, Callable[[int, date], str]] = {
    "phone no": lambda n, _: f"212-555-01{n:02}",
    "contact number": lambda n, _: f"21255501{n:02}",
    "전화번호": lambda n, _: f"010-1234-56{n:02}",
    "E-mail": lambda n, _: f"u{n}@example.com",
    "customer name": lambda n, _: f"Kim{n}",
    "customer comment": lambda n, _: f"the app did not work {n % 2}",
    "user age": lambda n, _: f"{30 + n}",
    "customer order no": lambda n, _: f"Z-{n}",
    "paid amount": lambda n, _: f"{n}000",
    "birth date": lambda n, _: f"19{80 + n}-02-03",
    "dep_time": lambda n, _: f"{517 + n}",
    "event date": lambda _, when: f"{when:%Y-%m-%d}",
}
"""Header -> what stands below it; none of these is a column of a claim."""
WINDOWS = {
    "days": (date(2022, 10, 16), date(2022, 11, 6)),
    "months": (date(2022, 3, 1), date(2022, 12, 31)),
    "years": (date(2010, 1, 1), date(2030, 12, 31)),
}
DAYS: dict[str, Callable[[date], str]] = {
    "iso": date.isoformat,
    "korean": lambda d: f"{d.year}년 {d.month}월 {d.day}일",
    "dotted": lambda d: f"{d.year}. {d.month}. {d.day}.",
    "dmy": lambda d: f"{d:%d/%m/%Y}",
    "mdy": lambda d: f"{d:%m/%d/%Y} 3:05 PM",
    "compact": lambda d: f"{d:%Y%m%d}",
    "short": lambda d: f"{d:%y.%m.%d}",
    "dmy_short": lambda d: f"{d:%d-%m-%y}",
    "mdy_short": lambda d: f"{d:%m/%d/%y}",
    "excel": lambda d: f"{(d - date(1899, 12, 30)).days}",
}
AMOUNTS: dict[str, Callable[[int], str]] = {
    "plain": str,
    "grouped": "{:,}".format,
    "won": "₩{:,}".format,
    "한국": lambda n: f"{n // 10_000}만 {n % 10_000}원" if n % 10_000 else f"{n // 10_000}만원",
    "points": lambda n: f"{n:,},00".replace(",", ".").replace(".00", ",00"),
    "points only": lambda n: f"{n:,}".replace(",", "."),
    "cents": lambda n: f"{n}.00",
}
READ_BY = {
    "dotted": "korean",
    "points": "european",
    "points only": "european",
    "cents": "plain",
    "한국": "korean",
}


@given(data=st.data())
@settings(max_examples=10)
def test_a_proposal_is_right_or_open_and_never_wrong(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    first, last = WINDOWS[data.draw(st.sampled_from(sorted(WINDOWS)))]
    day, amount = (data.draw(st.sampled_from(sorted(ways))) for ways in (DAYS, AMOUNTS))
    names = {column: data.draw(st.sampled_from(called)) for column, called in NAMES.items()}
    if not data.draw(st.booleans()):
        del names["claimant_id"]
    decoys = data.draw(st.lists(st.sampled_from(sorted(DECOYS)), max_size=4, unique=True))
    order = data.draw(st.permutations([*names.values(), *decoys]))
    when = st.dates(first, last)
    losses = st.integers(1, 9_999_999)
    rows, truth = [], {}
    for n, (filed, loss) in enumerate(data.draw(st.lists(st.tuples(when, losses), min_size=2, max_size=8))):
        cells = {"claim_id": f"A{n}", "claimant_id": f"u{n % 3}", "service": "카톡", "claimant_type": "일반"}
        cells |= {"filed_on": DAYS[day](filed), "loss": AMOUNTS[amount](loss)}
        said = {names[column]: text for column, text in cells.items() if column in names}
        said |= {decoy: DECOYS[decoy](n, filed) for decoy in decoys}
        rows.append([said[header] for header in order])
        truth[f"A{n}"] = [filed, loss]
    path = write(tmp_path_factory.mktemp("any") / "a.csv", [order, *rows])
    incident = window_of(load_incident("kakao-2022"), first, last)
    found = inspect_file(path, incident)
    assert proposed(found).items() <= names.items()
    # Somebody who knows the file fills in what is open.
    layout, written = layout_of(found, path), {"filed_on": day, "loss": amount}
    columns = {column: (header,) for column, header in names.items()} | layout.columns
    formats = {column: (READ_BY.get(way, way),) for column, way in written.items()} | layout.formats
    answered = layout.model_copy(update={"columns": columns, "formats": formats})
    read = read_claims(path, incident, layouts=[answered], max_rejects=1).to_polars()
    assert {
        id_: cells for id_, *cells in read.select("claim_id", "filed_on", "loss").rows()
    }.items() <= truth.items()
