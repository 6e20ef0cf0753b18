"""Zip archives whose bytes depend on nothing but their members: no clock, no system, no version of zlib."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress

from outage_analysis.errors import InputRefused

MEMBER_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the first that a zip can tell."""
MAX_MEMBERS = 2_000
MAX_TOTAL_BYTES = 200_000_000
"""What an archive may come to once read."""
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
"""What Python raises for archives that are none, or are broken."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """A zip archive of members in the order given, stored uncompressed.

    Args:
        members: contents by the name inside the archive.

    Returns:
        The archive: the same bytes for the same members, wherever it is written.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, MEMBER_DATE)
            entry.create_system, entry.external_attr = 3, REGULAR_FILE  # Unix, on Windows too
            archive.writestr(entry, content)
    return packed.getvalue()


def read_members(data: bytes) -> dict[str, bytes]:
    """The members of a zip archive by name, in the archive's order.

    Raises:
        InputRefused: no zip archive, a damaged or encrypted member, a name that comes twice, more than
            `MAX_MEMBERS` members or more than `MAX_TOTAL_BYTES` in all.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_size(entries)
            return {entry.filename: _read_member(archive, entry) for entry in entries}
    except ARCHIVE_ERRORS as error:
        raise InputRefused(f"is no readable zip archive: {error}", remedy="Write it again.") from error


def repack(data: bytes) -> bytes:
    """An archive as `pack` writes it, its members sorted: without the clock that another writer put in."""
    return pack(dict(sorted(read_members(data).items())))


def _check_size(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what would not fit, before anything is unpacked."""
    if len(entries) > MAX_MEMBERS:
        raise InputRefused(f"holds more than {MAX_MEMBERS:,} members", value=len(entries))
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise InputRefused(f"holds more than {MAX_TOTAL_BYTES // 1_000_000:,} MB once unpacked")
    if len({entry.filename for entry in entries}) < len(entries):
        raise InputRefused("holds two members of one name")


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A member's bytes, and never more than the archive says it has."""
    with archive.open(entry) as member:
        content = member.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise InputRefused("holds a member of another size than it says", value=entry.filename)
    return content


def member_digests(data: bytes) -> dict[str, str]:
    """The SHA-256 of every member by name; a member that cannot be read has none.

    Raises:
        InputRefused: no zip archive, or one that is too much.
    """
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive.infolist())
            for entry in archive.infolist():
                with suppress(*ARCHIVE_ERRORS, InputRefused):
                    found[entry.filename] = hashlib.sha256(_read_member(archive, entry)).hexdigest()
    except ARCHIVE_ERRORS as error:
        raise InputRefused(f"is no readable zip archive: {error}", remedy="Write it again.") from error
    return found
