"""The cost model: funnel, expected cost with its bounds, drivers, and the tie-out of published sums."""

from outage_analysis.costs.drivers import drivers, levers
from outage_analysis.costs.expected import COUNTED, cost_table, totals
from outage_analysis.costs.funnel import Funnel, funnel_of
from outage_analysis.costs.tie_outs import tie_outs

__all__ = ["COUNTED", "Funnel", "cost_table", "drivers", "funnel_of", "levers", "tie_outs", "totals"]
