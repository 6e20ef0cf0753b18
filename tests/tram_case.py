"""Pages of an invented tram outage that pays in euros with cents, written where a test wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from outage_analysis.analysis import Plan
from tests.paths import OWN_OUTAGE

POLICY = """id = "tram-2031"
name = { en = "Tram charter" }
currency = "EUR"
loss_unit = "EUR"

[[line]]
id = "delay"
kind = "schedule"
name = { en = "Payment by loss" }
public_on = 2031-03-02
effort = "form"
band = [
  { over = 0, up_to = 6_000, fixed = 1_250 },
  { over = 6_000, up_to = 12_000, fixed = 2_500 },
  { over = 12_000, review = true },
]
"""
COUNTED = POLICY.replace('effort = "form"', 'effort = "form"\npublished_count = "CL-13"')
"""The same, for 8,461 published reports."""
FLAT = COUNTED.replace("tram-2031", "tram-flat").replace("Tram charter", "Flat").replace("2_500", "1_250")
LEDGER = """id = "tram-ledger"
name = { en = "Tram ledger" }
incident = "tram-2031"
as_of = 2031-03-10
"""
ENTRY = """
[[assumption]]
id = "as-{name}"
kind = "{kind}"
name = {{ en = "The {name}" }}
lines = ["delay"]
public_on = 2031-03-02
grade = "assumed"
source = "a test"
rationale = "a test"
owner = "a test"
outcome_known = false
{distribution}
"""
DISTRIBUTIONS = {
    ("filing", "filing_share"): 'distribution = { kind = "uniform", low = 0.2, high = 0.6 }',
    ("acceptance", "acceptance"): 'distribution = { kind = "beta", a = 8, b = 2 }',
    ("award", "review_award"): 'distribution = { kind = "lognormal", median = 8_000, sigma = 0.5 }',
}
"""A mean award of about 90 euros, among rates."""
MIX = """size = 4
band = [
  { over = 0, up_to = 6_000, share = 0.5 },
  { over = 6_000, up_to = 12_000, share = 0.25 },
  { over = 12_000, share = 0.25 },
]"""
TIED = """
[[correlation]]
of = ["as-filing", "as-award"]
rank = 0.6
rationale = "a test"
"""
GOODS = """id = "tram-goods"
name = { en = "Free rides" }
currency = "EUR"
loss_unit = "EUR"

[[line]]
id = "delay"
kind = "in_kind"
name = { en = "A free ride" }
public_on = 2031-03-02
effort = "form"
recipients = "US-07"
face_value = 290
"""
LOSSES = (20, 35, 70, 100, 150, 400)
CERTAIN = (
    GOODS.replace("tram-goods", "tram-fare")
    .replace('"delay"', '"fare"')
    .replace('"form"', '"automatic"')
    .replace("in_kind", "fee_credit")
    .replace("face_value", "amount")
)
"""A fare handed back to everybody: nothing of it is uncertain."""
HEADER = "claim_id;line;claimant_type;filed_on;delay;distance"


def claims(*, synthetic: bool = False) -> str:
    """Three hundred claims, some of each loss and each line."""
    rows = [
        f"{n};{'RB'[n % 2]};rider;2031-03-0{2 + n % 5};{LOSSES[n // 2 % 6]};9" + ";true" * synthetic
        for n in range(300)
    ]
    return "\n".join([HEADER + ";synthetic" * synthetic, *rows]) + "\n"


def ledger(*extra: str, **distributions: str) -> str:
    """The ledger, with other laws by name, and what is to follow."""
    entries = [
        ENTRY.format(name=name, kind=kind, distribution=distributions.get(name, distribution))
        for (name, kind), distribution in DISTRIBUTIONS.items()
    ]
    return LEDGER + "".join((*entries, *extra))


def write_documents(folder: Path) -> None:
    """Every page and the claims, each in a file of its own."""
    incident = (OWN_OUTAGE / "incident.toml").read_text("utf-8").replace('unit = "minutes"', 'unit = "EUR"')
    texts = {
        "incident.toml": incident,
        "policy.toml": POLICY,
        "flat.toml": FLAT,
        "goods.toml": GOODS,
        "certain.toml": CERTAIN,
        "counted.toml": COUNTED,
        "ledger.toml": ledger(),
        "mixed.toml": ledger(ENTRY.format(name="mix", kind="band_mix", distribution=MIX)),
        "taken.toml": ledger(
            ENTRY.format(
                name="takers", kind="take_up", distribution='distribution = { kind = "beta", a = 1, b = 4 }'
            )
        ),
        "tied.toml": ledger(ENTRY.format(name="mix", kind="band_mix", distribution=MIX), TIED),
        "claims.csv": claims(),
        "claims-synthetic.csv": claims(synthetic=True),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


def tram_plan(folder: Path, **changes: Any) -> Plan:  # noqa: ANN401 - of any field
    """The outage from published counts, beside another policy; its pages stand in the folder."""
    usual: dict[str, Any] = {
        "incident": folder / "incident.toml",
        "policy": folder / "counted.toml",
        "ledger": folder / "mixed.toml",
        "compare": (folder / "flat.toml",),
        "budget": 100_000,
        "draws": 1_024,
        "seed": 3,
    }
    return Plan(**(usual | changes))
