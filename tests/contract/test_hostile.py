"""Hostile text is only text, bombs end in a clear line, and no interruption leaves half of anything."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import duckdb
import polars as pl
import pytest
import zstandard

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, answered, json_of, outage_analysis, refused, refuses
from tests.contract.damaged_files.container_kinds import zipped
from tests.contract.hostile_report import (
    FORMULAS,
    LARGEST,
    LOSS,
    MARKUP,
    SQL,
    complaints,
    contents,
    hostile_folder,
)
from tests.contract.test_reading import INCIDENT, PLAIN
from tests.contract.test_refusals import POLICY
from tests.html_page import WebPage
from tests.shared_folders import file_contents, shared_base

WHERE = ("--incident", "incident.toml")
HEADER = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region\n"
ROW = "1,c1,Bank,Person,2026-03-02,5,{region}\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the report on hostile complaints."""
    return hostile_folder(shared_base(tmp_path_factory) / "contract")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the twelve complaints, their incident and a policy."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"list.csv": PLAIN, "incident.toml": INCIDENT, "policy.toml": POLICY}.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def claims(hostile: Path) -> oa.Claims:
    """The hostile complaints."""
    return oa.read_claims(hostile / "=cmd+1.csv", hostile / "incident.toml", max_rejects=1)


@pytest.fixture(scope="module")
def analysis(hostile: Path, claims: oa.Claims) -> oa.Analysis:
    """The cost of the hostile complaints."""
    return oa.run(claims, policy=hostile / "policy.toml", draws=1_024)


# --- text from outside is only text -------------------------------------------------------------------------


def table_cells(folder: Path) -> list[str]:
    """Every cell of the CSV tables below a folder."""
    texts = (path.read_bytes().decode("utf-8-sig") for path in folder.rglob("*.csv"))
    return [cell for text in texts for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def formulas(cells: list[str]) -> list[str]:
    """The cells that begin as a formula does and are no numbers."""
    begins = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    return [cell for cell in begins if not re.fullmatch(r"[+-]?\d[\d.,]*([eE][+-]?\d+)?", cell)]


def test_no_cell_of_a_csv_table_or_workbook_begins_a_formula(hostile: Path) -> None:
    cells = table_cells(hostile / "r")
    assert any("cmd" in cell for cell in cells)
    assert formulas(cells) == []
    files = {name: data.decode() for name, data in contents(hostile / "r") if name.endswith(".xml")}
    assert any("cmd" in text for name, text in files.items() if name.endswith("sharedStrings.xml"))
    sheets = " ".join(text for name, text in files.items() if "/worksheets/" in name)
    computed = re.findall(r"<f[ >].*?</f>|<f>.*?</f>", sheets)
    assert len(computed) > 5  # the workbook's own
    assert [formula for formula in computed if "cmd" in formula or "HYPERLINK" in formula] == []


def test_no_cell_of_the_rejects_begins_a_formula(folder: Path) -> None:
    starts = ("=cmd|' /C calc'!A0", "+cmd", "-cmd", "@SUM(cmd)")
    twice = [f'"{start}",u,Bank,Person,2026-03-02,{loss},north' for start in starts for loss in (5, 6)]
    (folder / "list.csv").write_text(HEADER + "\n".join([*twice, ""]), "utf-8")
    rejects = oa.read_claims(folder / "list.csv", folder / "incident.toml", max_rejects=1).rejects
    cells = [str(cell) for row in rejects.rows() for cell in row]
    assert sum("cmd" in cell for cell in cells) == len(rejects) == len(starts)
    assert formulas(cells) == []


@pytest.mark.slow
def test_an_own_section_is_text_and_no_cell_of_its_table_begins_a_formula(
    analysis: oa.Analysis, tmp_path: Path
) -> None:
    report = analysis.report()
    texts = [f"{start}cmd" for start in ("=", "+", "-", "@", "\t=", "\r=")]
    chart = analysis.chart("services_by_band", title=OWN_TITLE)
    report.add_section(OWN_TITLE, MARKUP[0], chart, pl.DataFrame({MARKUP[1]: texts}))
    report.write(tmp_path / "r", formats=["csv", "html", "svg"])
    page = WebPage.of(tmp_path / "r" / "report.html")
    assert (acting(page), [x for x in (OWN_TITLE, *MARKUP[:2]) if x not in page.prose()]) == ([], [])
    held = [held_by(path.read_bytes()) for path in (tmp_path / "r" / "charts").glob("*.svg")]
    assert any({f"title {OWN_TITLE}", f"text {OWN_TITLE}"} <= names for names in held)
    cells = [cell for cell in table_cells(tmp_path / "r" / "tables") if "cmd" in cell]
    assert len(cells) >= len(texts)
    assert formulas(cells) == []


def acting(page: WebPage) -> list[str]:
    """The tags and attributes of a page that could act."""
    attributes = [(e.tag, name, value) for e in page.elements for name, value in e.attributes.items()]
    found = [
        f"{tag} {name}"
        for tag, name, value in attributes
        if name.startswith("on")
        or (name in ("href", "src") and "alert" in value)
        or (tag, name, value) == ("img", "src", "x")
    ]
    scripts = "\n".join(e.text for e in page.elements if e.tag in ("script", "style"))
    return found + re.findall(r"^\s*alert\(1\)", scripts, re.MULTILINE)


def external(page: WebPage) -> list[str]:
    """The addresses that a page loads from another host."""
    loaded = [
        value
        for e in page.elements
        for name, value in e.attributes.items()
        if name in ("src", "srcset", "poster", "data") or (name == "href" and e.tag == "link")
    ]
    return [address for address in loaded if re.match(r"(https?:)?//", address)]


def held_by(picture: bytes) -> set[str]:
    """The hostile names that a picture holds as text, each with the element; nothing in it can act."""
    root = ET.fromstring(picture)  # noqa: S314 - our own file
    texts: dict[str, str] = {}
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        assert tag not in {"script", "img", "foreignObject", "a", "b", "i", "u"}
        assert not [name for name in element.attrib if name.startswith("on")]
        texts[tag] = f"{texts.get(tag, '')} {element.text or ''}"
    names = (LARGEST, LOSS, OWN_TITLE, "<img src=x")
    return {
        f"{tag} {name}" for tag, text in texts.items() for name in names if name in " ".join(text.split())
    }


OWN_TITLE = "<b>Ours</b> & <script>alert(1)</script>"


def test_markup_of_complaints_and_labels_is_text_in_the_page_and_in_pictures(hostile: Path) -> None:
    page = WebPage.of(hostile / "r" / "report.html")
    assert acting(page) == external(page) == []
    assert [text for text in (MARKUP[1], SQL, FORMULAS[0]) if text not in page.prose()] == []
    held = set().union(*(held_by(path.read_bytes()) for path in (hostile / "r" / "charts").glob("*.svg")))
    assert {f"title {LARGEST}", f"text {LARGEST}", f"text {LOSS}", "tspan <img src=x"} <= held


def test_markup_of_complaints_and_labels_is_text_in_markdown(hostile: Path) -> None:
    text = (hostile / "r" / "report.md").read_text("utf-8")
    assert "script" in text
    assert re.findall(r"(?<!\\)[<>`]", text) == []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert not [x for x in re.findall(r"(?<!\\)\]\(([^)]*)\)", text) if not x.startswith("charts/")]


@pytest.mark.slow
def test_markup_of_names_is_text_in_what_a_notebook_shows(
    claims: oa.Claims, analysis: oa.Analysis, tmp_path: Path
) -> None:
    for thing in (analysis.policy, claims, claims.by("region"), claims.by("service"), analysis):
        page = WebPage()
        page.feed(thing._repr_html_())  # what Jupyter calls
        assert acting(page) == [], type(thing)
    chart = analysis.chart("services_by_band", title=OWN_TITLE)
    chart.save(tmp_path / "ours.svg")
    assert f"text {OWN_TITLE}" in held_by((tmp_path / "ours.svg").read_bytes())
    chart.save(tmp_path / "ours.html")
    page = WebPage.of(tmp_path / "ours.html")
    assert acting(page) == external(page) == []
    assert OWN_TITLE in page.elements[0].text  # the title of the page


def test_the_hostile_texts_are_read_counted_and_filtered_as_they_are(claims: oa.Claims) -> None:
    regions = [row[6] for row in complaints() if row[0].isdigit()]
    assert claims.to_polars()["region"].to_list() == regions
    counted = {row["region"]: row["claims"] for row in claims.by("region").iter_rows(named=True)}
    assert counted == {region: regions.count(region) for region in regions}
    assert len(claims.filter(region=SQL)) == regions.count(SQL)
    assert claims.query("select count(*) from claims where region = $r", r=SQL).item() == regions.count(SQL)
    with refuses(2, "region"):
        claims.by(f'region" or 1=1 {SQL}')
    assert len(claims) == len(regions)


@pytest.mark.parametrize(
    "what", ["region", "header", *(pytest.param(x, marks=pytest.mark.slow) for x in ("service", "file"))]
)
def test_no_terminal_escape_of_a_file_reaches_the_terminal(folder: Path, what: str) -> None:
    evil = "\x1b[2J\u202e\x9b\x07"
    text = HEADER + ROW.format(region="x") + ROW.format(region=evil).replace("1,", "2,", 1)
    if what == "service":
        text = text.replace("Bank", evil)
    elif what == "header":
        text = text.replace("region", evil)
    path = folder / (f"{evil}.csv" if what == "file" else "a.csv")
    path.write_text(text, "utf-8")
    for command in (
        ("ingest", path, *WHERE, "--max-rejects", "90%"),
        ("cube", path, *WHERE, "--by", "region", "--max-rejects", "90%"),
        ("inspect", path, *WHERE),
        ("ingest", f"no-{path.name}"),
    ):
        done = outage_analysis(*command)
        assert not set(evil) & set("\x1b\u202e\x9b\x07") & set(done.out + done.err), command
        assert "Traceback" not in done.err


def test_a_document_cannot_speak_to_the_terminal(folder: Path) -> None:
    evil = r"\u001b[2J\nvalid"
    (folder / "evil.toml").write_text(POLICY.replace('en = "Cash"', f'en = "{evil}"'), "utf-8")
    for command in ("check", "show", "explain"):
        done = answered("policies", command, "evil.toml")
        assert "\x1b" not in done.out
        assert not any(line.startswith("valid") for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("member", "code"),
    [("../../escaped.csv", 0), ("/etc/escaped.csv", 0), ("..\\..\\escaped.csv", 3), ("../../escaped.exe", 3)],
)
def test_an_archive_writes_nothing_wherever_its_members_point(folder: Path, member: str, code: int) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(member, PLAIN)
    before = {path.name for path in folder.parent.iterdir()}
    done = outage_analysis("ingest", "a.zip", *WHERE)
    assert done.code == code, done.err
    assert {path.name for path in folder.parent.iterdir()} == before
    assert {path.name for path in folder.iterdir()} == {"a.zip", "list.csv", "incident.toml", "policy.toml"}
    assert not list(Path("/etc").glob("escaped*"))


@pytest.mark.parametrize("id_", ["../escaped", "a/b", "a\\u0000b", "", "A B"])
def test_an_id_of_a_document_is_no_path(folder: Path, id_: str) -> None:
    (folder / "bad.toml").write_text(POLICY.replace('"reading-policy"', f'"{id_}"'), "utf-8")
    refused(2, ["bad.toml"], "policies", "check", "bad.toml")
    assert outage_analysis("policies", "new", "../escaped").code == 2
    assert not (folder.parent / "escaped.toml").exists()


# --- bombs --------------------------------------------------------------------------------------------------

ZEROS = 400_000_000


def zip_bomb(member: str, start: bytes, filling: bytes) -> bytes:
    """A small archive with one member that grows beyond all bounds."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as part:
        part.write(start)
        for _ in range(ZEROS // 10_000_000):
            part.write(filling * 10_000_000)
    return stream.getvalue()


ENTITIES = (  # they expand to ten billion letters
    '<!DOCTYPE x [<!ENTITY e0 "lolololol">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
    + "]><x>&e10;</x>"
)
ODS = "application/vnd.oasis.opendocument.spreadsheet"
REPEATED = (  # one cell a hundred million times
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="a"><table:table-row><table:table-cell office:value-type="float" '
    'office:value="1" table:number-columns-repeated="99999999"/></table:table-row></table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)
BOMBS: dict[str, tuple[str, Callable[[], bytes], bool]] = {
    "zip": (".zip", lambda: zip_bomb("a.csv", f"{HEADER}{ROW}".encode(), b"\0"), True),
    "gzip": (".csv.gz", lambda: gzip.compress(HEADER.encode() + bytes(ZEROS), 1), True),
    "zstandard": (".csv.zst", lambda: zstandard.compress(HEADER.encode() + bytes(ZEROS)), True),
    "xlsx": (".xlsx", lambda: zip_bomb("xl/worksheets/sheet1.xml", b"", b" "), True),
    "xlsx with entities": (".xlsx", lambda: zipped({"xl/workbook.xml": ENTITIES.encode()}), False),
    "ods": (".ods", lambda: zipped({"mimetype": ODS.encode(), "content.xml": REPEATED.encode()}), False),
    "one huge cell": (".csv", lambda: f"{HEADER}{ROW}".replace("{region}", "x" * 60_000_000).encode(), True),
    "one line without an end": (".csv", lambda: HEADER.strip().encode() + b"," * 50_000_000, True),
    "a hundred thousand columns": (".csv", lambda: b",".join(b"a%d" % n for n in range(100_000)), True),
    "a quotation mark that never ends": (".csv", lambda: HEADER.encode() + b'"' + b"a,\n" * 100_000, True),
}
"""Suffix, content, and whether it is slow."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if slow else n for n, (_, _, slow) in BOMBS.items()]
)
def test_a_bomb_ends_in_a_clear_line_within_bounds(folder: Path, name: str) -> None:
    suffix, content, _ = BOMBS[name]
    path = folder / f"bomb{suffix}"
    path.write_bytes(content())
    command = [sys.executable, "-m", "outage_analysis", "--memory", "1GB", "ingest", str(path), *WHERE]
    limits = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30)); "
    code = limits + "os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=110, check=False
    )
    assert (done.returncode in (3, 6), done.stdout) == (True, ""), done.stderr[-500:]
    assert re.fullmatch(r"error: [^\n]{,1500}\n", done.stderr), done.stderr[-500:]
    assert path.name in done.stderr
    assert {p.name for p in folder.iterdir()} == {path.name, "list.csv", "incident.toml", "policy.toml"}


DEEP = "[" * 5_000
GOOD = json.dumps(dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True)))
DEEP_JSON = {
    "only brackets": DEEP,
    "keys": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "in an array": f'[{GOOD},{{"claim_id":{DEEP}{DEEP.replace("[", "]")}}}]',
    "the first line": f'{{"claim_id":{DEEP}{DEEP.replace("[", "]")}}}\n{GOOD}\n',
}


@pytest.mark.parametrize("name", DEEP_JSON)
def test_deep_json_ends_in_a_clear_line_or_is_a_reject(folder: Path, name: str) -> None:
    (folder / "deep.json").write_text(DEEP_JSON[name])
    assert refused(3, (), "ingest", "deep.json", *WHERE).startswith("error: deep.json")
    if GOOD in DEEP_JSON[name]:
        found = json_of("ingest", "deep.json", *WHERE, "--max-rejects", "50%")
        assert (found["claims"], found["rejects"]) == (1, 1)


def test_a_column_of_parquet_may_have_no_name(folder: Path) -> None:
    frame = pl.read_csv("list.csv", infer_schema=False)
    frame.with_columns(pl.lit("x").alias("")).write_parquet("nameless.parquet")
    assert oa.read_claims("nameless.parquet", currency="KRW").by("service").shape == (3, 4)
    expected = oa.read_claims("list.csv", "incident.toml").by("service").rows()
    assert oa.read_claims("nameless.parquet", "incident.toml").by("service").rows() == expected
    inspection = oa.inspect_file("nameless.parquet", oa.load_incident(folder / "incident.toml"))
    assert "" in inspection.columns["header"].to_list()


def test_a_document_of_gigabytes_is_refused_unread(folder: Path) -> None:
    with (folder / "vast.toml").open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: it takes no room, but no machine could read it
    refused(2, ["vast.toml"], "policies", "check", "vast.toml")


# --- the network --------------------------------------------------------------------------------------------

OFFLINE = """
import os, socket, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        host = address[0] if isinstance(address, tuple) else address
        if host not in ("127.0.0.1", "::1", "localhost"):
            os.write(2, f"NETWORK {event} {address}".encode())
            os._exit(99)
sys.addaudithook(refuse)
"""


@pytest.mark.slow
def test_a_report_opens_no_connection(folder: Path) -> None:
    """It is watched and, where a network namespace can be made, has no network."""
    (folder / "hook").mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(OFFLINE, "utf-8")
    probe = [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 9), 1)"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "hook"), *sys.path])}
    assert subprocess.run(probe, env=environment, capture_output=True, check=False).returncode == 99
    command = [sys.executable, "-m", "outage_analysis", *map(str, REPORT), "--out", "r"]
    isolate = shutil.which("unshare")
    if isolate and subprocess.run([isolate, "-n", "true"], capture_output=True, check=False).returncode == 0:
        command = [isolate, "-n", *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert external(WebPage.of(folder / "r" / "report.html")) == []


REPORT = ("report", *WHERE, "--policy", "policy.toml", "--claims", "list.csv")


@pytest.mark.usefixtures("folder")
def test_an_address_is_no_file() -> None:
    for address in ("https://192.0.2.1/a.csv", "s3://bucket/a.csv", "http://192.0.2.1/a.parquet"):
        refused(3, (), "ingest", address, *WHERE)


READING = (
    "select * from read_text('{secret}')",
    "from '{secret}'",
    "from glob('{folder}/*')",
    "select (select content from read_text('{secret}')) as x from claims",
    "from query('from read_text(''{secret}'')')",
    "select * from read_csv('https://192.0.2.1/a.csv')",
)


@pytest.mark.parametrize("kept", ["list.csv", "kept.duckdb"])
def test_a_query_reads_no_file(folder: Path, kept: str) -> None:
    (folder / "secret.csv").write_text("word\nabracadabra\n")
    oa.save_claims(oa.read_claims("list.csv", "incident.toml"), "kept.duckdb")
    claims = oa.read_claims(kept, "incident.toml")
    for asked in (claims, claims.filter(service="Bank")):
        for sql in READING:
            with refuses(2, "the SQL query fails: Cannot access file") as refusal:
                asked.query(sql.format(secret=folder / "secret.csv", folder=folder))
            assert "abracadabra" not in str(refusal.value)
            assert str(refusal.value).endswith(
                "The tables are claims, rejects, files and the frames that are passed."
            )
    # Saving is no query of the user, and still works.
    for again in ("again.duckdb", "again.parquet"):
        oa.save_claims(claims, again)
        assert oa.read_claims(again, "incident.toml").by("service").rows() == claims.by("service").rows()


CHANGES = {
    "an endless day": "update accepted set filed_on = 'infinity' where claim_id = '001'",
    "a day far away": "update accepted set filed_on = date '290000-01-01' where claim_id = '001'",
    "an endless time": "update accepted set filed_at = 'infinity' where claim_id = '001'",
    "an unknown file": "update accepted set file_number = 99 where claim_id = '001'",
    "a negative count": "update files set rows = -5",
    "a claim less": "delete from accepted where claim_id = '001'",
    "a claim more": "insert into accepted from accepted limit 1",
    "an id twice": "update accepted set claim_id = '002' where claim_id = '001'",
    "a negative loss": "update accepted set loss = -4 where claim_id = '001'",
    "an unknown service": "update accepted set service = 'tram' where claim_id = '001'",
    "no service": "update accepted set service = null where claim_id = '001'",
    "a reject without a rule": "update files set rows = 13; "
    "insert into rejects by name select 'list.csv' as source_file, 3 as source_row",
}
"""What somebody may change in a warehouse file so that its tables no longer fit each other."""


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", CHANGES)
def test_a_warehouse_file_whose_rows_were_changed_is_refused(name: str) -> None:
    oa.save_claims(oa.read_claims("list.csv", "incident.toml"), "kept.duckdb")
    with duckdb.connect("kept.duckdb") as connection:
        connection.execute(CHANGES[name])
    told = refused(3, (), "ingest", "kept.duckdb", *WHERE)
    assert re.fullmatch(
        r"error: kept\.duckdb: was changed by another program: .+ Ingest its files again\.\n", told
    ), told


def test_claims_marked_as_synthetic_in_a_warehouse_file_stay_so(folder: Path) -> None:
    (folder / "list.csv").write_text(
        PLAIN.replace("region\n", "region,synthetic\n")
        .replace("north\n", "north,true\n")
        .replace("south\n", "south,true\n")
    )
    oa.save_claims(oa.read_claims("list.csv", "incident.toml"), "synthetic.duckdb")
    with duckdb.connect("synthetic.duckdb") as connection:
        connection.execute("update passport set synthetic = false")
    assert oa.read_claims("synthetic.duckdb", "incident.toml").synthetic


# --- kills --------------------------------------------------------------------------------------------------


def killed_after(seconds: float, *arguments: object) -> bool:
    """Start a command and kill it after some seconds; whether it was still running."""
    words = [sys.executable, "-m", "outage_analysis", *map(str, arguments)]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(words, capture_output=True, check=False, timeout=seconds)
        return False
    return True


@pytest.mark.slow
def test_a_report_that_is_killed_leaves_the_old_one_or_the_new_one(folder: Path) -> None:
    options = (*REPORT, "--formats", "csv,html", "--out", "r")
    answered(*options)
    old = file_contents(folder / "r")
    shutil.copytree(folder / "r", folder / "old")
    begun = time.monotonic()
    assert not killed_after(100, *options, "--force", "--lang", "ko")
    whole = time.monotonic() - begun
    new = file_contents(folder / "r")
    assert old != new
    killed = 0
    for n in range(4):
        shutil.rmtree(folder / "r", ignore_errors=True)
        shutil.copytree(folder / "old", folder / "r")
        killed += killed_after(whole * (n + 1) / 4.5, *options, "--force", "--lang", "ko")
        state = file_contents(folder / "r") if (folder / "r").is_dir() else {}
        assert state in (old, new) or not state
        # The next command finds a report in its place and tidies up.
        if not state:
            assert outage_analysis(*options).code == 2
            assert file_contents(folder / "r") == old
    assert killed > 1
    assert outage_analysis(*options, "--force").code == 0
    assert {path.name for path in folder.iterdir()} == {
        "r",
        "old",
        "list.csv",
        "incident.toml",
        "policy.toml",
    }


STARTED = "import sys, outage_analysis.cli as cli; print('started', flush=True); cli.main()"


def interrupted_after(seconds: float, *arguments: str) -> tuple[int, str, float]:
    """Start a command, send Ctrl-C after some seconds; its exit code, errors and running time."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        begun = time.monotonic()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        return process.returncode, errors, time.monotonic() - begun


@pytest.mark.slow
def test_ctrl_c_while_files_are_read_ends_without_a_traceback_and_leaves_nothing(folder: Path) -> None:
    rows = [f"n{n},c1,Bank,Person,2026-03-02,{n},x\n" for n in range(200_000)]
    (folder / "large.csv").write_text(HEADER + "".join(rows), "utf-8")
    command = ("ingest", "large.csv", *WHERE, "--out", "kept.duckdb")
    code, _, whole = interrupted_after(100, *command)
    assert code == 0
    (folder / "kept.duckdb").unlink()
    before = {path.name for path in folder.iterdir()}
    codes = set()
    for n in range(5):
        code, errors, _ = interrupted_after(whole * (n + 1) / 6, *command)
        codes.add(code)
        assert (code in (0, 130), "Traceback" in errors, "Interrupt" in errors) == (True, False, False), (
            errors
        )
        (folder / "kept.duckdb").unlink(missing_ok=code == 130)
        assert {path.name for path in folder.iterdir()} == before
    assert 130 in codes


# --- surroundings -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp949"])
def test_output_in_another_encoding_is_printed_and_json_loses_nothing(
    folder: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    (folder / "list.csv").write_text(PLAIN.replace("north", "북쪽 café 🚋"), "utf-8")
    for words in (("ingest", "list.csv"), ("cube", "list.csv", "--by", "region", "--json")):
        command = [sys.executable, "-m", "outage_analysis", *words, *WHERE]
        done = subprocess.run(command, capture_output=True, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        printed = done.stdout.decode(encoding)
        if "--json" in words:
            assert {row["region"] for row in json.loads(printed)["rows"]} == {"북쪽 café 🚋", "south"}
        else:
            assert "\\u2500" not in printed  # the lines of tables become hyphens


# --- a full disk --------------------------------------------------------------------------------------------


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writes beyond a size fail as on a full disk; no mount is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize(
    ("command", "size"),
    [
        (("cube", "list.csv", *WHERE, "--out", "cube.csv"), 20),
        (("ingest", "list.csv", *WHERE, "--out", "kept.parquet"), 1_000),
        (("cube", "list.csv", *WHERE, "--out", "cube.parquet"), 100),
        (("policies", "new", "draft", "--out", "draft.toml"), 100),
        (("new", "mine", "--currency", "EUR"), 100),
        pytest.param(("ingest", "list.csv", *WHERE, "--out", "kept.duckdb"), 1_000, marks=pytest.mark.slow),
        pytest.param(("ingest", "list.csv", *WHERE, "--out", "kept.duckdb"), 60_000, marks=pytest.mark.slow),
        pytest.param((*REPORT, "--out", "new"), 1_000, marks=pytest.mark.slow),
        pytest.param((*REPORT, "--out", "new"), 60_000, marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_written_in_full_is_exit_6_and_leaves_nothing(
    folder: Path, command: tuple[str, ...], size: int
) -> None:
    before = file_contents(folder)
    with files_of_at_most(size):
        refused(6, (), *command)
    assert file_contents(folder) == before
    assert len(list(folder.iterdir())) == len(before)


@pytest.mark.parametrize(
    "suffix", ["png", *(pytest.param(x, marks=pytest.mark.slow) for x in ("svg", "html", "json"))]
)
def test_a_disk_that_fills_up_keeps_the_chart_that_was_there(tmp_path: Path, suffix: str) -> None:
    claims = tmp_path / "list.csv"
    claims.write_text(OWN_FILE, "utf-8")
    chart = oa.run(claims, tiers={300_000: 30_000}, draws=1024).chart("waterfall")
    path = tmp_path / f"chart.{suffix}"
    chart.save(path)
    before = path.read_bytes()
    with files_of_at_most(len(before) // 2), refuses(6, "chart"):
        chart.save(path)
    assert path.read_bytes() == before


def test_brackets_in_texts_are_no_markup_of_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "list [red]x[-red] [final].csv"
    path.write_text(OWN_FILE.replace("Bank", "[bold]Bank[/bold]"), "utf-8")
    claims = oa.read_claims(path)
    assert path.name in str(claims)
    assert "[bold]Bank[/bold]" in str(claims.by("service"))
    assert path.name in outage_analysis("inspect", path).out
