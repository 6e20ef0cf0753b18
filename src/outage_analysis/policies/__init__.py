"""Compensation policies: the language (rules, tariffs, lines), what it says in words, and what to doubt."""

from outage_analysis.policies.lines import Effort
from outage_analysis.policies.policy import Policy, load_policy, refuse_misfit
from outage_analysis.policies.promises import Budget, CostLine, FeeCredit, InKind
from outage_analysis.policies.rules import SHARE_SCALE, Rule
from outage_analysis.policies.schedules import Schedule
from outage_analysis.policies.tariff import MOST_STEPS, Tariff

__all__ = [
    "MOST_STEPS",
    "SHARE_SCALE",
    "Budget",
    "CostLine",
    "Effort",
    "FeeCredit",
    "InKind",
    "Policy",
    "Rule",
    "Schedule",
    "Tariff",
    "load_policy",
    "refuse_misfit",
]
