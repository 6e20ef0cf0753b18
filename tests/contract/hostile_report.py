"""A report on complaints full of personal data, formulas and markup, and the contents of all its files."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from pypdf import PdfReader

from tests.contract.command_line import outage_analysis
from tests.shared_folders import filled_once

NAME, PHONE, MAIL = "김민수", "010-9876-5432", "minsu.kim@example.com"
RESIDENT, CARD = "900101-1234567", "4111-1111-1111-1111"
SENTENCE = "어제부터 가게 문을 못 열고 있습니다"
SECRETS = (NAME, PHONE, MAIL, RESIDENT, CARD, SENTENCE, "9876-5432", "minsu", "-1234567", "4111-1111")
"""What stands in the file of complaints and may be found nowhere else, whole or in part."""
FORMULAS = ("=cmd|' /C calc'!A0", "+1+cmd", "-1+cmd", "@SUM(cmd)", '=HYPERLINK("http://cmd")')
MARKUP = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "</script><b onclick=alert(1)>&amp;",
)
SQL = "'; drop table claims; --"
LARGEST = f"{SQL} & <i>"
"""The name of the service with the largest cost, which titles of charts name."""
LOSS = "@SUM(cmd) &amp; <u>"
"""The name of the loss, which subtitles and axes of charts name."""
INCIDENT = f"""\
id = "hostile-2026"
name = {{ en = "{MARKUP[0]}", ko = "=1+cmd" }}
currency = "KRW"
time_zone = "Asia/Seoul"
outage = {{ start = 2026-03-01T06:00:00+09:00 }}
claims_from = 2026-03-01
claims_to = 2026-03-31
loss = {{ name = {{ en = "{LOSS}" }}, unit = "KRW" }}
service = [
  {{ id = "one", name = {{ en = "{FORMULAS[0]}" }}, aliases = ["s1"] }},
  {{ id = "two", name = {{ en = "{MARKUP[1]}" }}, aliases = ["s2"] }},
  {{ id = "three", name = {{ en = "{LARGEST}" }}, aliases = ["s3"] }},
]
claimant_type = [{{ id = "person", name = {{ en = "-1+cmd" }}, aliases = ["p"] }}]
dimension = [{{ id = "region", name = {{ en = "{MARKUP[2]}" }} }}]
"""
POLICY = f"""\
id = "hostile-policy"
name = {{ en = "+1+cmd" }}
currency = "KRW"
loss_unit = "KRW"

[[line]]
id = "cash"
kind = "schedule"
name = {{ en = "{MARKUP[1]}" }}
public_on = 2026-03-02
effort = "automatic"
band = [{{ over = 0, up_to = 300_000, fixed = 30_000 }}, {{ over = 300_000, fixed = 50_000 }}]
"""
HEADER = (
    "claim_id",
    "claimant_id",
    "service",
    "claimant_type",
    "filed_on",
    "loss",
    "region",
    "이름",
    "연락처",
    "내용",
)
PRIVATE = (NAME, PHONE, f"{SENTENCE}, {NAME} 올림 {MAIL} {RESIDENT} {CARD}")
GOOD, REJECTED = 15, 6


def complaints() -> list[tuple[str, ...]]:
    """Good rows whose regions are hostile, and rejected rows that hold personal data in the wrong cells."""
    regions = [*FORMULAS, *MARKUP, SQL]
    rows: list[tuple[str, ...]] = [
        (
            f"{n}",
            f"u{n % 4}",
            f"s{n % 3 + 1}",
            "p",
            f"2026-03-{2 + n:02}",
            str(n * 40_000),
            regions[n % 9],
            *PRIVATE,
        )
        for n in range(GOOD)
    ]
    good = list(rows[0])
    for n, (at, secret) in enumerate(
        [(2, NAME), (3, SENTENCE), (4, MAIL), (5, PHONE), (2, RESIDENT), (5, NAME)]
    ):
        rows.append((f"x{n}", *good[1:at], secret, *good[at + 1 :]))
    return rows


def hostile_folder(base: Path) -> Path:
    """A folder with the complaints, the documents and the report `r`, below a folder that workers share."""
    return filled_once(base / "hostile", _write)


def _write(folder: Path) -> None:
    with (folder / "=cmd+1.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *complaints()])
    (folder / "incident.toml").write_text(INCIDENT, "utf-8")
    (folder / "policy.toml").write_text(POLICY, "utf-8")
    done = outage_analysis(*report_arguments(folder, "r"))
    (folder / "printed.json").write_text(json.dumps([done.code, done.out, done.err]), "utf-8")
    assert done.code == 0, done.err


def report_arguments(folder: Path, out: str) -> tuple[object, ...]:
    """The arguments of `outage-analysis` for a report on the complaints."""
    documents = ("--incident", folder / "incident.toml", "--policy", folder / "policy.toml")
    claims = ("--claims", folder / "=cmd+1.csv", "--max-rejects", "30%")
    return ("report", *documents, *claims, "--out", folder / out, "--force")


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a report by its path; archives unpacked, Parquet as texts, PDF with its text."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield from unpacked(path.relative_to(folder).as_posix(), path.read_bytes())


def unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file and what is packed in it."""
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}/{member}", archive.read(member))
    elif name.endswith(".parquet"):
        frame = pl.read_parquet(io.BytesIO(data))
        rows = json.dumps([frame.columns, *frame.rows()], ensure_ascii=False, default=str)
        yield name, data + rows.encode()
    elif data.startswith(b"%PDF"):
        reader = PdfReader(io.BytesIO(data))
        text = "".join(page.extract_text() for page in reader.pages) + str(reader.metadata)
        yield name, data + text.encode()
    else:
        yield name, data
