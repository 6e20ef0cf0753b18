"""Read and write zip archives, so that the same files always give an archive with the same bytes.

The bytes do not depend on the time, the operating system or the version of zlib.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from outage_analysis.errors import InputRefused

MEMBER_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the earliest that the zip format can store."""
MAX_MEMBERS = 2_000
MAX_TOTAL_BYTES = 200_000_000
"""Limits for archives that are read: number of members, and bytes of all members unpacked."""
REGULAR_FILE = 0o100644 << 16
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
)
"""Exceptions that Python raises for files that are not zip archives or are damaged."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed zip archive of the files in `members`, in the same order.

    Args:
        members: name of a file inside the archive -> its content.

    Returns:
        The bytes of the archive. The same members give the same bytes on every machine.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, MEMBER_DATE)
            # Files are marked as created on Unix (3). Otherwise, archives from Windows would differ.
            entry.create_system, entry.external_attr = 3, REGULAR_FILE
            archive.writestr(entry, content)
    return buffer.getvalue()


def read_members(data: bytes) -> dict[str, bytes]:
    """Return the content of each file in a zip archive by name, in the order of the archive.

    Raises:
        InputRefused: the data are not a zip archive, a file in it is damaged or encrypted, two files have the
            same name, or the archive has more than `MAX_MEMBERS` files or `MAX_TOTAL_BYTES` bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_size(entries)
            return {entry.filename: _read_member(archive, entry) for entry in entries}
    except ARCHIVE_ERRORS as error:
        raise InputRefused(f"is no readable zip archive: {error}", remedy="Write it again.") from error


def repack(data: bytes) -> bytes:
    """Return a zip archive with the same files, sorted by name and all with the same fixed date."""
    return pack(dict(sorted(read_members(data).items())))


def _check_size(entries: list[zipfile.ZipInfo]) -> None:
    """Raise an error if an archive exceeds the size limits or repeats a name, before anything is unpacked."""
    if len(entries) > MAX_MEMBERS:
        raise InputRefused(f"holds more than {MAX_MEMBERS:,} members", value=len(entries))
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise InputRefused(f"holds more than {MAX_TOTAL_BYTES // 1_000_000:,} MB once unpacked")
    if len({entry.filename for entry in entries}) < len(entries):
        raise InputRefused("holds two members of one name")


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return a file of a zip archive; raise an error if its size is not the size in the archive's index.

    Reading stops one byte after this size, so that a file with a false size cannot fill the memory.
    """
    with archive.open(entry) as member:
        content = member.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise InputRefused(
            "contains a member whose size differs from the archive directory", value=entry.filename
        )
    return content
