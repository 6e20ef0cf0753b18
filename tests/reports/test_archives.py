"""Zip archives of the same bytes everywhere."""

import io
import zipfile
from unittest.mock import patch

from outage_analysis.reports.archives import repack
from tests.zip_files import packed, unpacked

CONTENTS = {"b.xml": b"<b/>" * 100, "a/보상.xml": "가".encode()}


def test_files_come_back_sorted_by_name_whatever_their_order() -> None:
    data = repack(packed(CONTENTS))
    assert list(unpacked(data).items()) == sorted(CONTENTS.items())
    assert data == repack(packed(dict(reversed(CONTENTS.items()))))


def test_an_archive_tells_neither_the_clock_nor_the_system_and_is_not_compressed() -> None:
    with patch("sys.platform", "win32"), patch("time.time", return_value=4e9):
        data = repack(packed(CONTENTS))
    assert data == repack(packed(CONTENTS))
    for entry in zipfile.ZipFile(io.BytesIO(data)).infolist():
        assert (entry.date_time, entry.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
        assert entry.compress_type == zipfile.ZIP_STORED
