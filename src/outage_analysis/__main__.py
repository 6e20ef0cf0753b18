"""`python -m outage_analysis` is the command `outage-analysis`."""

from outage_analysis.cli import main

if __name__ == "__main__":
    main()
