"""Policies: a TOML document goes in; payments per loss and an explanation in words come out.

Modules:
    policy: loads a policy, builds one from payments per tier of losses, or writes a template of one; explains
        it in words, with worked examples; finds gaps, cliffs and doubtful entries
    cost_lines: payments by loss band with their rules, free goods, vouchers, fee credits and budgets
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.policies.cost_lines import (
        MAX_STEPS,
        SHARE_DIGITS,
        SHARE_SCALE,
        Budget,
        CostLine,
        Effort,
        FeeCredit,
        InKind,
        Line,
        Rule,
        RuleBand,
        Schedule,
        Tariff,
        Voucher,
        contains_integer,
        stated_amounts,
    )
    from outage_analysis.policies.policy import (
        Amount,
        Policy,
        PolicyExplainer,
        TierPayments,
        check_same_units,
        decimal_places,
        explain,
        findings,
        load_policy,
        policy_from_tiers,
        policy_names,
        write_template,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
