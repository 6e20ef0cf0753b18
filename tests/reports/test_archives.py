"""Zip archives of the same bytes everywhere."""

import io
import zipfile
from unittest.mock import patch

import pytest

from outage_analysis.errors import InputRefused
from outage_analysis.reports import archives
from outage_analysis.reports.archives import pack, read_members

CONTENTS = {"b.xml": b"<b/>" * 100, "a/보상.xml": "가".encode()}


def zipped(*entries: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return data.getvalue()


def test_what_is_packed_comes_back_in_its_order() -> None:
    assert list(read_members(pack(CONTENTS)).items()) == list(CONTENTS.items())


def test_an_archive_tells_neither_the_clock_nor_the_system_and_is_not_compressed() -> None:
    with patch("sys.platform", "win32"), patch("time.time", return_value=4e9):
        data = pack(CONTENTS)
    assert data == pack(CONTENTS)
    for entry in zipfile.ZipFile(io.BytesIO(data)).infolist():
        assert (entry.date_time, entry.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
        assert entry.compress_type == zipfile.ZIP_STORED


def test_a_compressed_archive_of_others_is_read() -> None:
    assert read_members(zipped(("x", b"1" * 1000))) == {"x": b"1" * 1000}


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", pack(CONTENTS)[:-30]])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(InputRefused, match="no readable zip archive"):
        read_members(data)


def test_a_damaged_member_is_refused() -> None:
    for data in (pack({"x": b"content"}), zipped(("x", bytes(range(256)) * 9))):
        damaged = bytearray(data)
        damaged[40] ^= 1
        with pytest.raises(InputRefused, match="no readable zip archive"):
            read_members(bytes(damaged))


def test_too_many_or_too_large_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    read_members(zipped(("a", b"0" * 500), ("b", b"0" * 500)))
    with pytest.raises(InputRefused, match="more than 2 members"):
        read_members(zipped(("a", b""), ("b", b""), ("c", b"")))
    with pytest.raises(InputRefused, match="once unpacked"):
        read_members(zipped(("a", b"0" * 1001)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(InputRefused, match="two members of one name"):
        read_members(zipped(("a", b"1"), ("a", b"2")))


def test_a_member_larger_than_it_says_is_refused() -> None:
    data = bytearray(pack({"x": b"0123456789"}))
    directory = data.rfind(b"PK\x01\x02")
    data[directory + 24] = 5  # the size that the directory tells
    with pytest.raises(InputRefused, match=r"readable|another size"):
        read_members(bytes(data))
