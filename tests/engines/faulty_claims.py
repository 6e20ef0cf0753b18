"""Typed claims with every fault that a typed table can have."""

from __future__ import annotations

from datetime import date

import polars as pl

from outage_analysis.files import bundled_claims

EVERY = 20
"""One row in so many is at fault."""
FAULTS: list[dict[str, object]] = [
    {"claim_id": ""},
    {"claim_id": None},
    {"claim_id": "없음"},
    {"claim_id": "N/A"},
    {"claim_id": "--"},
    {"claim_id": " \u3000"},
    {"claim_id": "1.000123E+11"},
    {"claim_id": "two\nlines"},
    {"claimant_id": "1,23e+12"},
    {"claimant_id": "a\u2028b"},
    {"claimant_id": "000"},
    {"claimant_id": None},
    {"service": "no such service"},
    {"service": ""},
    {"service": None},
    {"service": " kakao-talk "},
    {"service": "ＫａｋａｏＴａｌｋ"},  # noqa: RUF001
    {"claimant_type": "nobody"},
    {"claimant_type": "\u00a0"},
    {"filed_on": None},
    {"filed_on": date(2021, 10, 15)},
    {"filed_on": date(2030, 1, 1)},
    {"loss": -1},
    {"loss": -(10**17)},
    {"loss": 10**15},
    {"loss": 10**15 - 1},
    {"loss": 2**63 - 1},
    {"loss": None},
    {"loss": 0},
    {"region": " capital "},
    {"region": ""},
    {"claim_id": "claim_id", "service": "service", "claimant_type": "claimant type", "filed_on": None},
    {"service": "nobody", "loss": -5, "filed_on": None},
    {"synthetic": None},
]


def faulty_claims(rows: int) -> pl.DataFrame:
    """Bundled claims, repeated up to a number of rows, with faults; `row` is the number of the row.

    At the end are exact copies, copies with another spelling, and rows whose id another claim has.
    """
    path = bundled_claims("kakao-2022")
    assert path
    bundled = pl.read_parquet(path)
    many = pl.concat(
        [bundled.with_columns(pl.col("claim_id") + f"-{n}") for n in range(-(-rows // len(bundled)))]
    )
    clean = many.head(rows)
    number = pl.int_range(pl.len())
    fault = pl.when(number % EVERY == EVERY - 1).then(number // EVERY % len(FAULTS))
    marked = clean.with_columns(fault.alias("fault"), pl.lit(value=False).alias("synthetic"))
    frame = marked.with_columns(
        pl.coalesce(
            pl.when(
                pl.col("fault")
                .is_in([n for n, fault in enumerate(FAULTS) if name in fault])
                .fill_null(value=False)
            )
            .then(
                pl.col("fault").replace_strict(
                    {n: fault[name] for n, fault in enumerate(FAULTS) if name in fault},
                    default=None,
                    return_dtype=kind,
                )
            )
            .otherwise(pl.col(name))
        ).alias(name)
        for name, kind in clean.schema.items()
    ).drop("fault")
    some = clean.filter(pl.int_range(pl.len()) % 101 == 0).with_columns(synthetic=pl.lit(value=False))
    again = [
        some[::3],
        some[::6],
        some[1::3].with_columns(service=pl.col("service").str.to_uppercase() + " "),
        some[2::3].with_columns(loss=pl.col("loss").fill_null(7) + 1),
        some[2::6].with_columns(claimant_id=pl.lit("another")),
    ]
    return pl.concat([frame, *again]).with_row_index("row").cast({"row": pl.Int64})
