"""Late claims (IBNR): growth curves fitted to an intake, and the forecast of claims still to come."""
