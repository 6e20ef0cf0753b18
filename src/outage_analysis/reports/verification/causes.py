"""Why two runs wrote different bytes: what their manifests record differently, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outage_analysis.reports.manifest import Manifest

MAX_CAUSES = 3
"""The most causes that an error message names."""


def causes_suffix(why: Sequence[str]) -> str:
    """Return the first causes as the end of an error message, starting with a colon."""
    more = [f"and {len(why) - MAX_CAUSES} more"] if len(why) > MAX_CAUSES else []
    return "".join((": " if why else "", "; ".join([*why[:MAX_CAUSES], *more])))


def causes(was: Manifest, now: Manifest) -> list[str]:
    """Return the differences between two runs: environment first, then code, documents and data."""
    return [
        *_changed_values("environment: ", was.environment, now.environment),
        *_changed_values("environment: ", was.versions, now.versions),
        *_replaced_keys("font ", was.fonts, now.fonts),
        *(["code: the package is not the one that wrote it"] if was.code_sha256 != now.code_sha256 else []),
        *_replaced_keys("document ", _documents(was), _documents(now)),
        *_replaced_keys("facts ", was.facts, now.facts),
        *_data_changes(was, now),
    ]


def _documents(manifest: Manifest) -> dict[str, str]:
    """Return the digest of each document that a run read, including the outcomes."""
    outcomes = {"outcomes": manifest.backtest} if manifest.backtest else {}
    return {name: record.content_sha256 for name, record in (manifest.documents | outcomes).items()}


def _data_changes(was: Manifest, now: Manifest) -> Iterator[str]:
    """Yield the claims files that differ in content, name, or rows read and rejected."""
    if len(was.inputs) != len(now.inputs):
        yield f"data: {len(was.inputs)} files -> {len(now.inputs)}"
    for old, new in zip(was.inputs, now.inputs, strict=False):
        if old.sha256 != new.sha256:
            yield f"data: {old.name} is another file"
        elif old.name != new.name:
            yield f"data: {old.name} was given as {new.name}; rename it"
        elif old != new:
            yield f"data: {old.name} was read in another way"


def _changed_values(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield each value that differs, with its old and new value."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"{kind}{key} {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _replaced_keys(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield each key whose digest differs: new, gone or changed."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            how = "is new" if key not in was else "is gone" if key not in now else "changed"
            yield f"{kind}{key} {how}"
