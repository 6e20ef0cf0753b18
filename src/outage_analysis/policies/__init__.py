"""Policies: a TOML document goes in; payments per loss and an explanation in words come out.

Modules:
    policy: loads a policy, builds one from payments per tier of losses, or writes a template of one
    cost_lines: payments by loss band, free goods, fee credits and budgets
    tariff: the payment rule of a loss band, and its linear pieces
    explanation: explains a policy in English or Korean: its summary and worked examples
    checks: finds gaps, cliffs and doubtful entries in a policy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.policies.checks import findings as findings
    from outage_analysis.policies.cost_lines import Budget as Budget
    from outage_analysis.policies.cost_lines import CostLine as CostLine
    from outage_analysis.policies.cost_lines import Effort as Effort
    from outage_analysis.policies.cost_lines import FeeCredit as FeeCredit
    from outage_analysis.policies.cost_lines import InKind as InKind
    from outage_analysis.policies.cost_lines import Line as Line
    from outage_analysis.policies.cost_lines import Schedule as Schedule
    from outage_analysis.policies.explanation import PolicyExplainer as PolicyExplainer
    from outage_analysis.policies.explanation import explain as explain
    from outage_analysis.policies.policy import Amount as Amount
    from outage_analysis.policies.policy import Policy as Policy
    from outage_analysis.policies.policy import TierPayments as TierPayments
    from outage_analysis.policies.policy import check_same_units as check_same_units
    from outage_analysis.policies.policy import decimal_places as decimal_places
    from outage_analysis.policies.policy import load_policy as load_policy
    from outage_analysis.policies.policy import policy_from_tiers as policy_from_tiers
    from outage_analysis.policies.policy import write_template as write_template
    from outage_analysis.policies.tariff import MAX_STEPS as MAX_STEPS
    from outage_analysis.policies.tariff import SHARE_DIGITS as SHARE_DIGITS
    from outage_analysis.policies.tariff import SHARE_SCALE as SHARE_SCALE
    from outage_analysis.policies.tariff import Rule as Rule
    from outage_analysis.policies.tariff import RuleBand as RuleBand
    from outage_analysis.policies.tariff import Tariff as Tariff
    from outage_analysis.policies.tariff import contains_integer as contains_integer

__getattr__, __dir__ = lazy_exports(__name__, __file__)
