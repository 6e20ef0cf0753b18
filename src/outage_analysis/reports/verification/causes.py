"""List why two runs wrote different files: the differences between their manifests, likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outage_analysis.reports.manifest import Manifest

MAX_CAUSES = 3
"""The most causes that an error message names."""


def causes_suffix(why: Sequence[str]) -> str:
    """Return the most likely causes as text to append to an error message; the text starts with a colon."""
    more = [f"and {len(why) - MAX_CAUSES} more"] if len(why) > MAX_CAUSES else []
    return "".join((": " if why else "", "; ".join([*why[:MAX_CAUSES], *more])))


def causes(was: Manifest, now: Manifest) -> list[str]:
    """Return the differences between the manifests of two runs: environment, code, documents and data."""
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
    """Return the checksum of each TOML document that a run read, including the document of outcomes."""
    outcomes = {"outcomes": manifest.backtest} if manifest.backtest else {}
    return {name: record.content_sha256 for name, record in (manifest.documents | outcomes).items()}


def _data_changes(was: Manifest, now: Manifest) -> Iterator[str]:
    """Yield one text per input file that differs between the runs in content, name or rows read."""
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
    """Yield one text per key whose value differs between the runs, with the old and the new value."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"{kind}{key} {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _replaced_keys(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield one text per key whose checksum differs between the runs: the key is new, gone or changed."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            how = "is new" if key not in was else "is gone" if key not in now else "changed"
            yield f"{kind}{key} {how}"
