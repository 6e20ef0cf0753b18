"""Why two runs wrote different bytes: what their manifests record differently, the likeliest cause first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outage_analysis.reports.manifest import Manifest

MOST = 3
"""Causes that are named on one line."""


def reasons(why: Sequence[str]) -> str:
    """The first causes, as what follows a problem on its line."""
    more = [f"and {len(why) - MOST} more"] if len(why) > MOST else []
    return "".join((": " if why else "", "; ".join([*why[:MOST], *more])))


def causes(was: Manifest, now: Manifest) -> list[str]:
    """What differs between the run that wrote a report and another: environment first, data last."""
    return [
        *_changed("environment: ", was.environment, now.environment),
        *_changed("environment: ", was.versions, now.versions),
        *_replaced("font ", was.fonts, now.fonts),
        *(["code: the package is not the one that wrote it"] if was.code_sha256 != now.code_sha256 else []),
        *_replaced("page ", _pages(was), _pages(now)),
        *_replaced("facts ", was.facts, now.facts),
        *_data_changes(was, now),
    ]


def _pages(manifest: Manifest) -> dict[str, str]:
    """The digest of each page that a run read, the page of outcomes among them."""
    outcomes = {"outcomes": manifest.backtest} if manifest.backtest else {}
    return {name: page.content_sha256 for name, page in (manifest.pages | outcomes).items()}


def _data_changes(was: Manifest, now: Manifest) -> Iterator[str]:
    """The files of claims that differ, in their content, name or what became of their rows."""
    if len(was.inputs) != len(now.inputs):
        yield f"data: {len(was.inputs)} files -> {len(now.inputs)}"
    for old, new in zip(was.inputs, now.inputs, strict=False):
        if old.sha256 != new.sha256:
            yield f"data: {old.name} is another file"
        elif old.name != new.name:
            yield f"data: {old.name} was given as {new.name}; rename it"
        elif old != new:
            yield f"data: {old.name} was read in another way"


def _changed(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Each value that differs, with both."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"{kind}{key} {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _replaced(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Each key whose digest differs, and how."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            how = "is new" if key not in was else "is gone" if key not in now else "changed"
            yield f"{kind}{key} {how}"
