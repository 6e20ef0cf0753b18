"""Late claims: growth curves of an intake, what they say of the claims still to come, and how well."""

from outage_analysis.development.channels import Channel, daily, published
from outage_analysis.development.curves import CURVES
from outage_analysis.development.forecasts import Forecast, Spike, forecast
from outage_analysis.development.hindcasts import Backtest, backtest
from outage_analysis.development.late import Branch, Late, Variance
from outage_analysis.development.limits import Bounds, bounds

__all__ = [
    "CURVES",
    "Backtest",
    "Bounds",
    "Branch",
    "Channel",
    "Forecast",
    "Late",
    "Spike",
    "Variance",
    "backtest",
    "bounds",
    "daily",
    "forecast",
    "published",
]
