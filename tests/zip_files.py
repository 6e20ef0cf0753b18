"""Zip archives in memory: their files as bytes by name, and back."""

import io
import zipfile


def unpacked(data: bytes) -> dict[str, bytes]:
    """The content of each file by its name, in the order of the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
