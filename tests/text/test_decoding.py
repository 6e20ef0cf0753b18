"""Encodings and compressions: decided by the bytes, the same wherever two blocks of a file meet."""

from __future__ import annotations

import gzip
from itertools import accumulate, pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
import zstandard
from hypothesis import assume, given, strategies as st

from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile, as_utf8, encodings as decoding, original_offsets

TEXT = '접수번호,서비스\n1,카카오톡\n2,"톡\'"\n'
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp949")
blocks = st.integers(1, 9)
texts = st.text(st.sampled_from("a,\"'\r\n카뷁"), max_size=24)


def decoded(
    folder: Path, content: bytes, *, block: int = 1 << 20, name: str = "a.csv", encoding: str | None = None
) -> TextFile:
    """A file with this content, read in blocks of so many bytes."""
    path, workspace = folder / name, folder / "workspace"
    workspace.mkdir(exist_ok=True)
    path.write_bytes(content)
    with patch.object(decoding, "BLOCK", block):
        return as_utf8(path, workspace, name=name, encoding=encoding)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the many files of a property."""
    return tmp_path_factory.mktemp("decoding")


def is_utf8(content: bytes) -> bool:
    """Whether bytes say something in UTF-8: a few syllables of CP949, such as 카, do."""
    return content.decode(errors="replace").encode() == content


# --- what a text is like --------------------------------------------------------------------------------


@given(text=texts, block=blocks, encoding=st.sampled_from(["utf-8", "utf-16", "cp949"]))
def test_a_text_is_decoded_alike_in_blocks_of_any_size(
    folder: Path, text: str, block: int, encoding: str
) -> None:
    assume(encoding != "cp949" or not is_utf8(text.encode("cp949")))
    stated = "cp949" if encoding == "cp949" else None  # rare syllables alone are refused unless it is stated
    found = decoded(folder, text.encode(encoding), block=block, encoding=stated)
    assert found.path.read_bytes().decode() == text


# --- encodings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_is_decided_in_blocks_of_any_size(tmp_path: Path, encoding: str, block: int) -> None:
    found = decoded(tmp_path, TEXT.encode(encoding), block=block)
    assert (found.encoding, found.path.read_text("utf-8-sig")) == (encoding, TEXT)
    assert (found.path == tmp_path / "a.csv") == encoding.startswith("utf-8")


@given(
    lines=st.lists(st.text("a,카뷁뷁½", max_size=5), min_size=1, max_size=8),
    encoding=st.sampled_from(ENCODINGS),
)
def test_an_offset_in_the_text_is_that_of_the_same_line_in_the_file_as_it_came(
    folder: Path, lines: list[str], encoding: str
) -> None:
    content = "".join(f"{line}\n" for line in lines).encode(encoding)
    assume(encoding != "cp949" or not is_utf8(content))
    found = decoded(folder, content, encoding="cp949" if encoding == "cp949" else None)
    mark = 3 if encoding == "utf-8-sig" else 0  # a file in UTF-8 is read as it stands
    starts = [*accumulate((len(f"{line}\n".encode()) for line in lines), initial=mark)]
    offsets = original_offsets(found, starts)
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    pieces = [content[a:b].decode(codec) for a, b in pairwise(offsets)]
    assert pieces == [f"{line}\n" for line in lines]
    assert offsets[-1] == len(content)


@given(
    before=st.text("a카뷁", max_size=9), after=st.text("a카", max_size=4), block=blocks,
    encoding=st.sampled_from(["utf-8-sig", "utf-8"]),
)  # fmt: skip
def test_the_byte_that_cannot_be_decoded_is_named_in_blocks_of_any_size(
    folder: Path, before: str, after: str, block: int, encoding: str
) -> None:
    start = before.encode(encoding)
    # No character of UTF-8 or CP949 has this byte in it, or begins with it.
    with pytest.raises(InputRefused, match=f"is not UTF-8 at byte {len(start)}"):
        decoded(folder, start + b"\xff" + after.encode(), block=block)


@given(before=st.text("a,\n", max_size=9), block=blocks)
def test_a_text_that_ends_inside_a_character_is_taken_for_no_other_encoding(
    folder: Path, before: str, block: int
) -> None:
    for cut in (1, 2):
        content = f"ab\n{before}".encode()
        found = decoded(folder, content + "가".encode()[:cut], block=block)
        assert (found.encoding, found.damaged) == ("utf-8", True)
        assert found.path.read_bytes() == content + bytes(cut)


@given(before=st.text("a카", max_size=9), block=blocks)
def test_a_nul_is_found_in_blocks_of_any_size(folder: Path, before: str, block: int) -> None:
    with pytest.raises(InputRefused, match=f"holds a NUL byte at {len(before.encode())}"):
        decoded(folder, f"{before}\0a".encode(), block=block)
    assert decoded(folder, f"a\n{before}\0a\n".encode(), block=block).damaged


# --- compressions ---------------------------------------------------------------------------------------


def wide_frame(content: bytes) -> bytes:
    """A frame that asks for a window of 256 MB."""
    options = zstandard.ZstdCompressionParameters(window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=options).compressobj()
    return packer.compress(content) + packer.flush()


PACKED = {".gz": gzip.compress(TEXT.encode(), mtime=0), ".zst": zstandard.compress(TEXT.encode())}


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("block", [1, 7, 1 << 12])
def test_a_compressed_text_is_the_text_of_all_its_frames(tmp_path: Path, suffix: str, block: int) -> None:
    one = PACKED[suffix]
    empty = gzip.compress(b"") if suffix == ".gz" else zstandard.compress(b"")
    with patch.object(decoding, "SMALL_BLOCK", block):
        found = decoded(tmp_path, empty + one + empty + one + one, name=f"a.csv{suffix}")
    assert (found.path.read_text("utf-8"), found.encoding) == (TEXT * 3, "utf-8")


@pytest.mark.parametrize("suffix", PACKED)
def test_a_stream_that_is_cut_short_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = PACKED[suffix]
    for size in range(1, len(whole)):
        for content in (whole[:size], whole + whole[:size]):
            with pytest.raises(InputRefused, match=rf"a\.csv{suffix}: is (cut short|damaged)"):
                decoded(tmp_path, content, name=f"a.csv{suffix}")


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".gz", PACKED[".gz"] + b"garbage"),
        (".gz", TEXT.encode()),
        (".gz", PACKED[".zst"]),
        (".gz", PACKED[".gz"][:-8] + bytes(8)),  # another checksum
        (".zst", PACKED[".zst"] + b"garbage"),
        (".zst", TEXT.encode()),
        (".zst", PACKED[".gz"]),
        (".zst", wide_frame(TEXT.encode())),
    ],
)
def test_what_is_no_such_stream_is_refused_on_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    with pytest.raises(InputRefused, match=rf"^a\.csv{suffix}: is damaged[^\n]*$"):
        decoded(tmp_path, content, name=f"a.csv{suffix}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", PACKED[".gz"]),
        ("a.csv", PACKED[".zst"]),
        ("a.csv.gz", gzip.compress(PACKED[".gz"], mtime=0)),
    ],
)
def test_a_text_that_is_compressed_twice_or_under_another_name_is_no_text(
    tmp_path: Path, name: str, content: bytes
) -> None:
    with pytest.raises(InputRefused, match="is compressed, and its name does not say so"):
        decoded(tmp_path, content, name=name)


@pytest.mark.parametrize("suffix", PACKED)
def test_what_grows_beyond_all_reason_is_refused_before_it_is_whole(tmp_path: Path, suffix: str) -> None:
    content, name = b"a" * 500_000, f"a.csv{suffix}"
    bomb = gzip.compress(content) if suffix == ".gz" else zstandard.compress(content)
    with (
        patch.object(decoding, "ALWAYS_EXPANDED", 100_000),
        patch.object(decoding, "SMALL_BLOCK", 64),
        pytest.raises(InputRefused, match="grows more than 300-fold when decompressed") as refusal,
    ):
        decoded(tmp_path, bomb, name=name)
    assert refusal.value.remedy == "Decompress it yourself, if you trust it."
    (copy,) = (tmp_path / "workspace").iterdir()
    assert copy.stat().st_size < len(content) or suffix == ".zst"  # one block of zstd may be all of it
    assert len(decoded(tmp_path, bomb, name=name).path.read_bytes()) == len(content)
