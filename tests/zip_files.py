"""Zip archives in memory: their files as bytes by name, and back."""

import io
import zipfile
from collections.abc import Mapping


def unpacked(data: bytes) -> dict[str, bytes]:
    """The content of each file by its name, in the order of the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(contents: Mapping[str, bytes]) -> bytes:
    """A compressed archive of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return data.getvalue()
