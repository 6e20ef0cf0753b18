"""Files that are no plain text: compressed files, workbooks, JSON."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from xml.sax.saxutils import escape

import xlsxwriter
import zstandard

from tests.contract.damaged_files.clean_table import Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of_bytes,
    kind,
    kinds,
    written_lines,
)

COMPRESSED, WORKBOOKS, JSON = "compressed files", "workbooks", "JSON"

Cell = str | int | float | date | None


def csv_bytes(table: Table) -> bytes:
    """A table as a CSV file."""
    return "".join(line + "\n" for line in written_lines(table, Style())).encode()


def typed(table: Table) -> list[list[Cell]]:
    """The rows of a table, with losses as numbers and days as days."""
    day, loss = table.at("filed_on"), table.at("loss")
    rows: list[list[Cell]] = []
    for row, record in zip(table.rows, table.records, strict=True):
        cells: list[Cell] = list(row)
        cells[day] = record.filed_on
        cells[loss] = None if record.loss is None else record.loss / table.case.minor
        rows.append(cells)
    return rows


def packed(draw: Random, data: Callable[[Table], bytes], *suffixes: str) -> DamagedFile:
    """A file of a table with one of these suffixes."""
    table = clean_table(draw)
    content = data(table)
    return file_of_bytes(table, content, Style(suffix=draw.choice(suffixes)))


# --- compressed -------------------------------------------------------------------------------------------


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive of files, the same bytes at any time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


kinds(
    COMPRESSED,
    csv_gz=lambda draw: packed(draw, lambda table: gzip.compress(csv_bytes(table), mtime=0), ".csv.gz"),
    csv_zst=lambda draw: packed(draw, lambda table: zstandard.compress(csv_bytes(table)), ".csv.zst"),
    csv_zip=lambda draw: packed(
        draw, lambda table: zipped({"complaints.csv": csv_bytes(table)}), ".csv.zip", ".zip"
    ),
    zip_with_a_read_me=lambda draw: packed(
        draw,
        lambda table: zipped(
            {"complaints.csv": csv_bytes(table), "README.txt": b"Sent by the call centre.\n"}
        ),
        ".zip",
    ),
)


# --- workbooks --------------------------------------------------------------------------------------------


def workbook(*rows: Sequence[Cell]) -> bytes:
    """An Excel workbook with these rows on its sheet."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": datetime(2024, 1, 1, tzinfo=UTC)})  # the same bytes at any time
    sheet = book.add_worksheet("list")
    for n, cells in enumerate(rows):
        for c, cell in enumerate(cells):
            if isinstance(cell, date):
                sheet.write_datetime(n, c, cell)
            elif isinstance(cell, int | float):
                sheet.write_number(n, c, cell)
            elif cell:
                sheet.write_string(n, c, cell)
    book.close()
    return stream.getvalue()


@kind(WORKBOOKS)
def xlsx_with_title_and_total(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    total: list[Cell] = [None for _ in table.columns]
    total[0] = draw.choice(("합계", "Total"))
    total[table.at("loss")] = float(sum(r.loss or 0 for r in table.records)) / table.case.minor
    data = workbook(["Complaints of the outage"], [], table.headers, *typed(table), total)
    return file_of_bytes(table, data, Style(suffix=".xlsx"), header_line=2)


def open_document(rows: Sequence[Sequence[Cell]]) -> bytes:
    """An OpenDocument spreadsheet of these rows, the header first."""
    kinds = {float: "float", date: "date"}

    def cell_xml(cell: Cell) -> str:
        if cell is None or cell == "":
            return "<table:table-cell/>"
        name = kinds.get(type(cell), "string")
        key = "date-value" if name == "date" else "value"
        value = "" if name == "string" else f' office:{key}="{cell}"'
        text = f"<text:p>{escape(str(cell))}</text:p>"
        return f'<table:table-cell office:value-type="{name}"{value}>{text}</table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(map(cell_xml, cells))}</table:table-row>" for cells in rows)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2">'
        f'<office:body><office:spreadsheet><table:table table:name="list">{lines}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind_of_file = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind_of_file}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    return zipped(
        {
            "mimetype": kind_of_file.encode(),
            "content.xml": content.encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )


kinds(
    WORKBOOKS,
    xlsx_of_text=lambda draw: packed(draw, lambda table: workbook(table.headers, *table.rows), ".xlsx"),
    xlsx_of_numbers_and_days=lambda draw: packed(
        draw, lambda table: workbook(table.headers, *typed(table)), ".xlsx"
    ),
    ods_of_text=lambda draw: packed(draw, lambda table: open_document([table.headers, *table.rows]), ".ods"),
    ods_of_numbers_and_days=lambda draw: packed(
        draw, lambda table: open_document([table.headers, *typed(table)]), ".ods"
    ),
)


# --- JSON -------------------------------------------------------------------------------------------------


def objects(table: Table) -> list[dict[str, object]]:
    """The rows of a table as objects, with losses as numbers."""
    found: list[dict[str, object]] = []
    for row, cells in zip(table.rows, typed(table), strict=True):
        loss = cells[table.at("loss")]
        number = int(loss) if isinstance(loss, float) and loss.is_integer() else loss
        found.append({**dict(zip(table.headers, row, strict=True)), table.headers[table.at("loss")]: number})
    return found


def json_text(value: object, indent: int | None = None) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


@kind(JSON)
def json_lines_with_a_broken_one(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    lines = [json_text(o) for o in objects(table)]
    row = draw.randrange(len(lines))
    lines[row] = lines[row][: len(lines[row]) // 2]
    data = "".join(line + "\n" for line in lines).encode()
    return file_of_bytes(table, data, Style(suffix=".jsonl"), damaged_rows=[row])


kinds(
    JSON,
    json_lines=lambda draw: packed(
        draw, lambda table: "".join(json_text(o) + "\n" for o in objects(table)).encode(), ".jsonl", ".ndjson"
    ),
    json_array=lambda draw: packed(
        draw, lambda table: json_text(objects(table), indent=draw.choice((None, 2))).encode(), ".json"
    ),
    json_array_in_an_object=lambda draw: packed(
        draw,
        lambda table: json_text(
            {"exported": "2024-06-30", draw.choice(("data", "rows", "items")): objects(table)}, indent=2
        ).encode(),
        ".json",
    ),
)
