"""The plan of a bundle, made again from its pages and from claims that are found by their content."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from outage_analysis.analysis import Plan
from outage_analysis.assumptions import load_ledger
from outage_analysis.claims import STORE_SUFFIX, expand_paths
from outage_analysis.errors import InputRefused, UsageError, VerificationFailed
from outage_analysis.files import Document, data_root
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import AGAIN, NAME, Manifest, digest
from outage_analysis.reports.open_bundle import page_of

MOST_DRAWS, LARGEST_BUDGET = 2**22, 10**18
"""More would end in want of memory, or in sums that no float holds."""
PAGES: dict[str, Callable[[Path], Document]] = {
    "incident": load_incident,
    "policy": load_policy,
    "ledger": load_ledger,
    "compared": load_policy,
    "layout": load_layout,
}
"""How each page of a bundle is read, by its name without its number."""


def plan_of(
    folder: Path,
    manifest: Manifest,
    *,
    claims: Sequence[Path] = (),
) -> Plan:
    """The plan that a bundle was made from.

    Args:
        folder: the bundle.
        manifest: what it says.
        claims: where its inputs may be; those that are bundled with the package are found by themselves.

    Raises:
        UsageError: claims that the bundle needs and does not hold.
        InputRefused: a page that cannot be read, or a manifest that nobody can rebuild from.
        VerificationFailed: the claims are not those that it was made from.
    """
    _refuse_strange(folder, manifest)
    pages: dict[str, list[Path]] = {kind: [] for kind in PAGES}
    for name in sorted(manifest.pages, key=lambda n: (len(n), n)):  # 10 comes after 9
        kind = name.partition("-")[0]
        page_of(folder, name, PAGES[kind])
        pages[kind].append(folder / "pages" / f"{name}.toml")
    held = next(iter(pages["ledger"]), None)
    files = _inputs(manifest, claims)
    counted = any(given.kind == "counts" for given in manifest.inputs)
    return Plan(
        incident=pages["incident"][0],
        policy=pages["policy"][0],
        ledger=held,
        claims=None if counted else tuple(files),
        columns=tuple(pages["layout"]),
        counts=files[0] if counted else None,
        as_of=manifest.as_of,
        max_rejects=manifest.max_rejects,
        hindsight=manifest.hindsight,
        compare=tuple(pages["compared"]),
        budget=manifest.budget,
        draws=manifest.draws,
        seed=manifest.seed,
    )


def _refuse_strange(folder: Path, manifest: Manifest) -> None:
    """Refuse what no report of this version has, whoever wrote the manifest."""
    named = all(re.fullmatch(r"incident|policy|ledger|(compared|layout)-\d{1,4}", n) for n in manifest.pages)
    whole = named and {"incident", "policy"} <= manifest.pages.keys()
    sized = 0 < manifest.draws <= MOST_DRAWS and (manifest.budget or 0) <= LARGEST_BUDGET
    if not (whole and sized and manifest.formats):
        raise InputRefused("cannot be rebuilt from by this version", file=folder / NAME, remedy=AGAIN)
    stranger = next((name for name in manifest.formats if name not in FORMATS), None)
    if stranger is not None:
        raise InputRefused(
            "names a format that this version does not write", file=folder / NAME, value=stranger
        )


def _inputs(manifest: Manifest, given: Sequence[Path]) -> list[Path]:
    """The files of the inputs, in their order, each found by its content among those given or bundled."""
    if manifest.warehouse is not None:
        store = next((p for p in given if p.suffix.lower() == STORE_SUFFIX), None)
        if store is None:
            raise _lacking(manifest.warehouse)
        return [store]
    bundled = sorted((data_root() / "claims").glob("*.parquet"))
    offered = expand_paths(given)[0]
    absent = next((p for p in offered if not p.is_file()), None)
    if absent is not None:
        raise InputRefused("there is no such file", file=absent)
    wanted = {given.sha256: given.name for given in manifest.inputs}
    known = {digest(path): path for path in ([*bundled, *offered] if wanted else [])}
    for sum_, name in wanted.items():
        if sum_ not in known and not offered and name not in {p.name for p in bundled}:
            raise _lacking(name)
        if sum_ not in known:
            whose = "none of the files given" if offered else "not the bundled file"
            problem = f"cannot be rebuilt: data: {whose} is {name} as it was read"
            raise VerificationFailed(problem, remedy=f"Give the file whose SHA-256 is {sum_} with --claims.")
    return [known[sum_] for sum_ in wanted]


def _lacking(name: str) -> UsageError:
    problem = "rests on claims that a bundle does not hold"
    return UsageError(problem, value=name, remedy="Give them with --claims, or check with --integrity alone.")
