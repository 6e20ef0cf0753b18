"""Write the zip archives of workbooks and decks again, so that the same files always give the same bytes."""

from __future__ import annotations

import io
import zipfile

MEMBER_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the earliest that the zip format can store."""
REGULAR_FILE = 0o100644 << 16


def repack(data: bytes) -> bytes:
    """Return a zip archive with the same files, sorted by name, without compression and with a fixed date.

    The bytes do not depend on the time, the operating system or the version of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, MEMBER_DATE)
            # Files are marked as created on Unix (3). Otherwise, archives from Windows would differ.
            entry.create_system, entry.external_attr = 3, REGULAR_FILE
            new.writestr(entry, old.read(name))
    return buffer.getvalue()
