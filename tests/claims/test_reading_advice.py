"""Advice that an error or a reject prints is taken as printed, and must improve the reading of the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from outage_analysis.claims import Claims, inspect_file, read_claims
from outage_analysis.claims.cell_values import RULES
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident, Layout, load_layout
from tests.claims.complaint_files import csv_incident
from tests.claims.test_ingest_csv import HEADER, lines, row
from tests.contract.damaged_files.clean_table import COURIER

ROWS = [row(n) for n in range(1, 7)]
NUMBERED = "\n".join(f'{name} = ["{at}"]' for at, name in enumerate(HEADER.split(","), start=1))


def read(path: Path, content: str | bytes, layout: str, share: float = 1) -> Claims:
    """The claims of a file under a layout in TOML."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    layouts = []
    if layout:
        (path.parent / "layout.toml").write_text(layout, "utf-8")
        layouts = [load_layout(path.parent / "layout.toml")]
    return read_claims(path, csv_incident(), layouts=layouts, max_rejects=share)


@dataclass(frozen=True)
class Advice:
    """A file, a layout under which it reads badly, a pattern of the printed advice, and how it is taken.

    `layout` makes the advised layout, and `mended` the advised file, from the groups of the pattern.
    """

    content: str | bytes
    printed: str
    before: str = ""
    layout: Callable[..., str] = lambda *_: ""
    mended: Callable[..., str | bytes] | None = None
    claims: int = 6


def noted(loss: str, place: int = 3) -> str:
    """A file in which one loss is written in another way."""
    return lines(HEADER, *(row(n, loss=loss) if n == place else row(n) for n in range(1, 7)))


def with_row(text: str) -> str:
    """A file of six rows and one more in the middle."""
    return lines(HEADER, *ROWS[:3], text, *ROWS[3:])


def dated(*days: str) -> str:
    """A file of six rows, filed on these days and on plain ones."""
    plain = ["2022-10-19"] * (6 - len(days))
    rows = [f"{n},카톡,개인,{day},5,x" for n, day in enumerate((*days, *plain), start=1)]
    return lines(HEADER, *rows)


LAYOUTS: dict[str, Advice] = {
    "no header": Advice(
        lines(*ROWS),
        r"there is none: (header_row = 0).*under \[columns\] the place of each column: claim_id = \[\"1\"\]",
        layout=lambda setting: f"{setting}\n[columns]\n{NUMBERED}\n",
    ),
    "complaints above the header": Advice(
        lines("0,카톡,개인,2022-10-19,5,x", HEADER, *ROWS),
        r"say (header_row = 2) in a layout",
        layout=lambda setting: f"{setting}\n",
    ),
    "a unit above the header": Advice(
        lines("(단위: 만원)", HEADER, *ROWS),
        r"(loss = 10000) under \[scale\]",
        layout=lambda setting: f"[scale]\n{setting}\n",
    ),
    "a unit in the header": Advice(
        lines(HEADER.replace("loss", "손실(만원)"), *ROWS),
        r"(loss = 10000) under \[scale\]",
        before='[columns]\nloss = ["손실(만원)"]\n',
        layout=lambda setting: f'[columns]\nloss = ["손실(만원)"]\n[scale]\n{setting}\n',
    ),
    "a unit among the losses": Advice(
        with_row(row("", loss="(만원)")),
        r"(loss = 10000) under \[scale\]",
        layout=lambda setting: f"[scale]\n{setting}\n",
    ),
    "a header that is not known": Advice(
        lines(HEADER.replace("loss", "Wert"), *ROWS),
        r"name its header under \[columns\] .* (loss = \[)\"\.\.\.\"\]",
        layout=lambda setting: f'[columns]\n{setting}"Wert"]\n',
    ),
    "a column to join that is not there": Advice(
        lines(HEADER.replace("filed_on", "day"), *ROWS),
        r"Name columns of the file under (\[computed\])",
        before='[computed]\nfiled_on = ["day", "hour"]\n',
        layout=lambda key: f'{key}\nclaim_id = "row"\n[columns]\nfiled_on = ["day"]\n',
    ),
    "a word for a missing loss": Advice(
        noted("NA"), r"(missing = \[\"NA\"\]) in a layout", layout=lambda setting: f"{setting}\n"
    ),
    "a day in words": Advice(
        dated("19 Oct 2022"),
        r"or name its notation under (\[formats\])",
        layout=lambda key: f'{key}\nfiled_on = ["iso", "month_name"]\n',
    ),
    "an amount in another notation": Advice(
        noted('"1.234.567,00"'),
        r"or name its notation under (\[formats\])",
        layout=lambda key: f'{key}\nloss = ["plain", "european"]\n',
    ),
}
"""The advice names a setting of the layout."""

FILES: dict[str, Advice] = {
    "a second table": Advice(
        lines(HEADER, *ROWS, "region,loss,filed_on,claimant_type,service,claim_id", "x,5,a,b,c,d"),
        r"Split the file: another table begins in line (\d+)",
        mended=lambda line: lines(*[HEADER, *ROWS, "second", "x"][: int(line) - 1]),
    ),
    "a constant beside a column": Advice(
        lines(HEADER, *ROWS), "(Remove or rename one of the two)", before='[constants]\nregion = "x"\n'
    ),
    "two columns for the loss": Advice(
        lines(f"{HEADER},Loss", *(f"{line},6" for line in ROWS)),
        "Remove or (rename) one",
        mended=lambda _: lines(f"{HEADER},paid", *(f"{line},6" for line in ROWS)),
    ),
    "a name too few": Advice(
        lines(HEADER, *(f"{line},y" for line in ROWS)),
        "(Add the missing name) to the header",
        mended=lambda _: lines(f"{HEADER},note", *(f"{line},y" for line in ROWS)),
    ),
    "another encoding": Advice(
        lines(HEADER, *ROWS).encode("utf-16-le"), "Save it as (UTF-8)", mended=lambda _: lines(HEADER, *ROWS)
    ),
}
"""The advice says what to change in the file, or to leave out of the layout."""

MENDED_ROWS: dict[str, tuple[str, str, str]] = {
    "the record has the fields of its header": (
        row(9, "a,b"),
        "quote those that hold the delimiter",
        row(9, '"a,b"'),
    ),
    "claim_id is given": (row("-"), "Give every complaint an id", row(9)),
    "claim_id is in full": (row("1.23457E+11"), "export it again as text", row("123457000001")),
    "claim_id is one line of text": (row('"9\n8"'), "Remove the line break", row("98")),
    "service is given": (row(9).replace("카톡", ""), "Name the service", row(9)),
    "service is known": (
        row(9).replace("카톡", "카카오톡크"),
        "Did you mean '카카오톡'",
        row(9).replace("카톡", "카카오톡"),
    ),
    "claimant_type is given": (row(9).replace("개인", ""), "Name the claimant type", row(9)),
    "claimant_type is known": (
        row(9).replace("개인", "가게"),
        "소상공인",
        row(9).replace("개인", "소상공인"),
    ),
    "filed_on is a date": (row(9).replace("2022-10-19", "soon"), "Write it as 2022-10-19", row(9)),
    "filed_on is within the claims window": (row(9).replace("2022-", "2021-"), "Correct it", row(9)),
    "loss is an amount that can be read, below 10^15": (
        row(9, loss="2400x"),
        "such as 2400",
        row(9, loss="2400"),
    ),
    "loss is not negative": (row(9, loss="-5"), "Correct it", row(9)),
}
"""Rule -> a row that breaks it, words of the advice, and the row that was corrected accordingly."""
NOT_MENDED = {
    "the record is not the header again": "tried below",
    "claim_id is not repeated": "the row that was kept is named",
    "the complaint is not an exact copy of another": "the row that was kept is named",
    "filed_on is the day of filed_at": "tried below",
    "claimant_id is in full": "as for claim_id",
    "claimant_id is one line of text": "as for claim_id",
    "count is a whole number of claims, at least 1": "the files here have no counts",
    "loss is plausible": "the incident sets no limit",
}


def advice_on(path: Path, advice: Advice) -> tuple[int, str]:
    """The number of claims of a file, and what the refusal or the rejects advise."""
    try:
        claims = read(path, advice.content, advice.before)
    except InputRefused as refused:
        return 0, refused.remedy
    return len(claims), " ".join(claims.rejects["remedy"].to_list())


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LAYOUTS, *FILES])
def test_advice_that_is_taken_improves_the_reading(tmp_path: Path, name: str) -> None:
    advice = (LAYOUTS | FILES)[name]
    before, printed = advice_on(tmp_path / "a.csv", advice)
    found = re.search(advice.printed, printed)
    assert found, printed
    content = advice.content if advice.mended is None else advice.mended(*found.groups())
    claims = read(tmp_path / "b.csv", content, advice.layout(*found.groups()))
    assert len(claims) >= max(before + 1, advice.claims)


@pytest.mark.slow
@pytest.mark.parametrize("rule", MENDED_ROWS)
def test_a_row_that_is_corrected_as_its_reject_says_is_a_claim(tmp_path: Path, rule: str) -> None:
    wrong, advice, right = MENDED_ROWS[rule]
    claims = read(tmp_path / "a.csv", with_row(wrong), "")
    assert claims.rejects["rule"].to_list() == [rule]
    assert advice in claims.rejects["remedy"].item()
    assert len(read(tmp_path / "b.csv", with_row(right), "")) == len(claims) + 1 == 7


def test_the_advice_of_each_rule_is_tried() -> None:
    assert {*MENDED_ROWS} | {*NOT_MENDED} == {*RULES}
    assert not {*MENDED_ROWS} & {*NOT_MENDED}


def losses_of(claims: Claims) -> dict[str, object]:
    """Claim id -> loss in the smallest unit."""
    return dict(claims.query("select claim_id, loss from exact_claims order by claim_id").rows())


def complaints(path: Path, *losses: str) -> Path:
    """A file with one row per loss; the ids are A1, A2 and so on."""
    rows = [f"A{n};pickup;trader;2024-05-20;{loss}" for n, loss in enumerate(losses, start=1)]
    path.write_text("\n".join(["claim_id;service;claimant_type;filed_on;loss", *rows]) + "\n", "utf-8")
    return path


# --- missing values ---------------------------------------------------------------------------------------


@pytest.mark.slow
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
    found = claims.query("from exact_claims")
    assert found["claimant_id"].to_list() == found["claim_id"].to_list()  # each its own claimant
    assert found.select("loss", "region", "industry", "category").rows() == [(None,) * 4] * many
    assert claims.rejects["rule"].to_list() == ["claim_id is given", "service is known"]


# --- amounts ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "losses"),
    [
        *((texts, {}) for texts in (("1.230 €", "2.450 €"), ("1.230", "2.450"))),
        *((texts, {}) for texts in (("12,50 €", "12.50 €"), ("1'200.50", "1'200,50"))),
        (("1.230 €", "2.450,00 €"), {"A1": 123_000, "A2": 245_000}),  # one amount with cents decides
    ],
)
def test_amounts_that_may_be_read_in_two_ways_are_rejected(
    tmp_path: Path, texts: tuple[str, str], losses: dict[str, int]
) -> None:
    path = complaints(tmp_path / "a.csv", *texts, *([] if losses else ["7"]))
    layout = inspect_file(path, COURIER.incident).layout_toml
    assert ("loss" in tomllib.loads(layout)["formats"]) == bool(losses)
    (tmp_path / "layout.toml").write_text(layout, "utf-8")
    claims = read_claims(
        path, COURIER.incident, layouts=[load_layout(tmp_path / "layout.toml")], max_rejects=1
    )
    assert losses_of(claims) == (losses or {"A3": 700})
    assert claims.rejects["value"].to_list() == [*texts] * (not losses)  # shown: no personal numbers


# --- ids, joined columns, scales --------------------------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "losses"), [(0.5, [75, 125]), (0.01, [None, None]), (100, [15_000, 25_000]), (1.1, [165, 275])]
)
def test_a_scale_may_be_a_decimal_number(tmp_path: Path, scale: float, losses: list[int | None]) -> None:
    path = complaints(tmp_path / "a.csv", "1.50", "2.50", "3")
    claims = read_claims(path, COURIER.incident, layouts=[Layout(scale={"loss": scale})], max_rejects=1)
    found = losses_of(claims)
    assert [found.get(id_) for id_ in ("A1", "A2")] == losses  # 1.5 cents are no amount
    assert found["A3"] == round(300 * scale)
