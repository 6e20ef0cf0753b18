"""Copies of a bundle that tests may spoil, and seal again as a careful forger would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]


def manifest_of(bundle: Path) -> Manifest:
    """What its manifest says."""
    told: Manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    return told


def flip(path: Path, place: int | None = None) -> None:
    """Change one byte, in the middle if not elsewhere."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(bytes(data))


def seal(bundle: Path) -> Path:
    """Checksums of the files as they are now."""
    files = sorted(p for p in bundle.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    lines = (
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(bundle).as_posix()}\n" for p in files
    )
    (bundle / "SHA256SUMS").write_text("".join(lines), "utf-8")
    return bundle


def retold(bundle: Path, change: Callable[[Manifest], object]) -> Path:
    """The bundle with a manifest of other words, and the checksums that go with it."""
    manifest = manifest_of(bundle)
    change(manifest)
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (bundle / "manifest.json").write_text(text, "utf-8")
    return seal(bundle)


def forged(bundle: Path, name: str) -> Path:
    """The bundle with checksums and manifest made to fit a file that was changed."""

    def fit(manifest: Manifest) -> None:
        data = (bundle / name).read_bytes()
        manifest["outputs"][name] = hashlib.sha256(data).hexdigest()

    return retold(bundle, fit)
