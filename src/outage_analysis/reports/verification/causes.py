"""Compare two manifests to explain why two runs wrote different files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outage_analysis.reports.manifest import AssumptionRecord, Manifest, PolicyRecord

MAX_CAUSES = 3
"""The most causes that an error message names."""


def causes_suffix(why: Sequence[str]) -> str:
    """Return the first causes as the end of an error message, starting with a colon."""
    more = [f"and {len(why) - MAX_CAUSES} more"] if len(why) > MAX_CAUSES else []
    return "".join((": " if why else "", "; ".join([*why[:MAX_CAUSES], *more])))


def causes(was: Manifest, now: Manifest) -> list[str]:
    """Return the differences between two runs: environment first, then code, documents and data."""
    return [
        *_changed("environment: ", was.environment, now.environment),
        *_changed("environment: ", was.versions, now.versions),
        *_replaced("font ", was.fonts, now.fonts),
        *(["code: the package is not the one that wrote it"] if was.code_sha256 != now.code_sha256 else []),
        *policy_changes(was.policy, now.policy),
        *_ledger_changes(was, now),
        *_page_changes(was, now),
        *_replaced("facts ", was.facts, now.facts),
        *_data_changes(was, now),
    ]


def policy_changes(was: PolicyRecord, now: PolicyRecord) -> list[str]:
    """Return the differences between two policies: by cost line, or in other parts."""
    if was.content_sha256 == now.content_sha256:
        return []
    if was.id != now.id:
        return [f"policy: {was.id} -> {now.id}"]
    found = [f"policy: line {text}" for text in _keys(was.lines, now.lines)]
    return found or [f"policy: {was.id} differs outside its cost lines"]


def assumption_changes(was: Sequence[AssumptionRecord], now: Sequence[AssumptionRecord]) -> list[str]:
    """Return the differences between two ledgers per assumption, with old and new expected value."""
    old, new = ({entry.id: entry for entry in entries} for entries in (was, now))
    found = []
    for text in _keys(*({k: e.content_sha256 for k, e in entries.items()} for entries in (old, new))):
        name = text.split(" ")[0]
        if name in old and name in new:
            found.append(f"assumption {name}: {_moved(old[name], new[name])}")
        else:
            found.append(f"assumption {text}")
    return found


def _moved(was: AssumptionRecord, now: AssumptionRecord) -> str:
    if was.expected != now.expected:
        return f"expected {_number(was.expected)} -> {_number(now.expected)}"
    if was.distribution != now.distribution:
        return f"{was.distribution} -> {now.distribution}"
    return "same distribution, other texts or bounds"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.6g}"


def _ledger_changes(was: Manifest, now: Manifest) -> list[str]:
    """Return the differences between the used assumptions, or that other parts of the ledger differ."""
    found = assumption_changes(was.assumptions, now.assumptions)
    old, new = was.pages.get("ledger"), now.pages.get("ledger")
    if found or old == new:
        return found
    return ["assumptions: the ledger differs outside the assumptions that were used"]


def _page_changes(was: Manifest, now: Manifest) -> list[str]:
    """Return the other documents that differ: incident, compared policies, layouts and outcomes."""
    old, new = (
        {k: page.content_sha256 for k, page in m.pages.items() if k not in ("policy", "ledger")}
        for m in (was, now)
    )
    found = [text if text.startswith("incident") else f"page {text}" for text in _keys(old, new)]
    # If other documents differ, they are the reason why the back-test differs.
    if was.backtest != now.backtest and was.pages == now.pages:
        found.append("back-test: its page of outcomes is another")
    return found


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


def _keys(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield each key whose value differs, and whether it is new, gone or changed."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield (
                f"{key} is new"
                if key not in was
                else f"{key} is gone"
                if key not in now
                else f"{key} changed"
            )


def _changed(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield each value that differs, with its old and new value."""
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"{kind}{key} {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _replaced(kind: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    return (f"{kind}{text}" for text in _keys(was, now))
