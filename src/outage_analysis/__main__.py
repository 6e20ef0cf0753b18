"""Run `python -m outage_analysis`, which is the same as the command `outage-analysis`."""

from outage_analysis.cli import main

if __name__ == "__main__":
    main()
