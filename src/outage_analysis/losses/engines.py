"""Build a cube where a table is, in a database or on a cluster, with one ibis expression.

Only the cube and the number of rejected rows by rule leave the engine. The rules are those of `read_claims`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from outage_analysis import claims, incidents
from outage_analysis.claims import BLANKS, EXACT_COPY, NO_TEXT, REPEATED_ID
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed, InputRefused, UsageError, one_line
from outage_analysis.incidents import FILED_AT, LARGEST_LOSS, Bands, Incident, Layout
from outage_analysis.losses import cube as cubes
from outage_analysis.losses.cube_building import dimension_labels, loss_bands
from outage_analysis.policies import Policy
from outage_analysis.text import CURRENCY, check_one_currency, rows_by_currency

try:
    import ibis
except ImportError:  # it belongs to an extra
    ibis = None
Ibis: TypeAlias = Any  # a table or a column; ibis ships no types

NAMED = ("service", "claimant_type")
MOST_TEXTS = 10_000
"""The most different texts that a column of services, claimant types, currencies or decisions may have."""
EPOCH = date(1970, 1, 1)
# Engines differ in their regular expressions: these patterns have no escapes, so that all engines agree.
OUTER_BLANKS = f"^[{BLANKS}]+|[{BLANKS}]+$"
PLAIN_ID = "^[!-*,-~]*[1-9][!-*,-~]*$"
"""An id that needs no further check, as most ids: ASCII without blanks and plus signs, with a digit."""
ROUNDED = "^[0-9]([.,][0-9]+)?[eE][+][0-9]+$"
NOT_ONE_LINE = "[^\t -~\u00a0-\u2027\u202a-\U0010ffff]"
TYPES = {
    **dict.fromkeys(("claim_id", "claimant_id"), ("string", "integer", "uuid")),
    **dict.fromkeys((*NAMED, CURRENCY, "decision"), ("string",)),
    **dict.fromkeys(("filed_on", FILED_AT), ("date", "timestamp")),
    **dict.fromkeys(("loss", "number", "paid"), ("integer", "decimal")),
    "text": ("string", "integer", "boolean", "date"),
    "synthetic": ("boolean", "string"),
}
"""The names in ibis of the types that a column, or a dimension of a kind, may have."""
COUNTS = dict.fromkeys(("_claims", "_rows", "_synthetic", "_doubtful", "_copies", "_repeated"), pl.Int64)
SUMS: cubes.Schema = {**COUNTS, **dict.fromkeys(("_paid", "_loss", "_loss_squared"), pl.Decimal(38, 0))}
EXACT = "decimal(38, 0)"


def read_cube(
    table: Ibis,
    incident: str | Path | Incident,
    *,
    dimensions: Sequence[str] = NAMED,
    bands: Bands | None = None,
    policy: Policy | None = None,
    layouts: Sequence[Layout] = (),
    order_by: str = "",
    max_rejects: float = claims.MAX_REJECTS,
) -> cubes.Cube:
    """Build a cube from an ibis table, in the database or on the cluster that has it.

    The engine checks every row by the rules of `read_claims` and counts the claims; no row leaves it. The
    cube is that of the same rows as a data frame.

    Args:
        table: a table of ibis with typed columns: losses are whole numbers or decimals, days are dates or
            timestamps. The incident and the layouts say which columns these are.
        incident: the outage: a bundled id, the path of a TOML file, or an `Incident`.
        dimensions: any of service, claimant_type, filed_on and the dimensions of the incident.
        bands: the loss bands; by default a logarithmic grid with 24 bands per decade.
        policy: a policy whose payments are to be computed from the cube: its edges are added to the grid.
        layouts: layouts of tables whose columns differ from those that the incident defines.
        order_by: the column that says which of several rows with the same id comes first and is kept, such as
            the time of loading. Without it, all rows of an id that occurs with different contents are
            rejected.
        max_rejects: the largest accepted share of rejected rows.

    Returns:
        The cube. Its `rejects` are the numbers of rejected rows by the first rule that each breaks.

    Raises:
        UsageError: the table is none, a column is missing or has a wrong type, or a dimension does not exist.
        InputRefused: too many rows are rejected, or `order_by` does not say which row comes first.
        DisclosureBlocked: the values of a dimension contain personal data.
        EnvironmentFailed: the engine cannot be reached, or it broke off the query.

    Example:
        table = ibis.postgres.connect(host="warehouse").table("complaints")
        cube = oa.read_cube(table, "kakao-2022", policy=oa.load_policy("kakao-2022"))
    """
    if ibis is None or not isinstance(table, ibis.Table):
        raise UsageError(
            "is no table of ibis",
            value=type(table).__name__,
            remedy="Give one, such as ibis.duckdb.connect(file).table(name). "
            "Install it with outage-analysis[engines].",
        )
    loaded = incidents.load_incident(incident)
    known = [*NAMED, "filed_on", *(d.id for d in loaded.dimensions if d.kind != "paid")]
    cubes.check_dimensions(dimensions, known, "no such dimension")
    rows = _TableRows(table, loaded, layouts, order_by)
    return rows.cube(dimensions, loss_bands(bands, policy, loaded), max_rejects)


def _fetched(query: Ibis) -> pl.DataFrame:
    try:
        return pl.DataFrame(query.to_polars())
    except Exception as error:  # each backend raises errors of its own
        raise EnvironmentFailed(
            f"the engine failed: {one_line(error, 400)}",
            remedy="Check the connection and the rights of the user, and read the table again.",
        ) from error


class _TableRows:
    """The rows of a table, as ibis expressions. The names of columns of our own begin with an underscore."""

    def __init__(self, table: Ibis, incident: Incident, layouts: Sequence[Layout], order: str) -> None:
        self.name, self.engine = getattr(table.op(), "name", "table"), table.get_backend().name
        self.incident, self.layout = incident, incidents.layout_for(self.name, layouts, incident)
        self.ordered = bool(order)
        self.window = [(day - EPOCH).days for day in (incident.claims_from, incident.claims_to)]
        if order and order not in table.columns:
            raise UsageError("order_by is no column of the table", value=order)
        if self.layout.computed:
            remedy = "Compute it in the table, with its `mutate`, and leave it out of [computed]."
            raise UsageError("is computed by the layout", column=min(self.layout.computed), remedy=remedy)
        try:
            expected = claims.ExpectedTable(0, self.name, self.layout, incident)
            positions = expected.column_positions(table.columns, None)
        except InputRefused as error:  # a table has no files and rows
            raise UsageError(**{**vars(error), "file": None, "row": None, "line": None}) from error
        kinds = {d.id: d.kind for d in incident.dimensions}
        cells = {c: ibis.literal(text or None, "string") for c, text in self.layout.constants.items()}
        cells |= {column: table[table.columns[at]] for column, at in positions.items()}
        for column, cell in cells.items():
            kind, known, zone = cell.type(), TYPES[kinds.get(column, column)], incident.time_zone
            remedy = f"Cast it in the table, with its `mutate`, to {' or '.join(known)}."
            unclear = kind.is_timestamp() and self.engine == "pyspark"  # with a time zone or without
            if unclear:
                remedy = f"Give the day in {zone}, such as to_date(from_utc_timestamp(column, '{zone}'))."
            if unclear or not any(getattr(kind, f"is_{name}")() for name in known):
                problem = f"has a type from which {column} is not read"
                raise UsageError(problem, column=cell.get_name(), value=kind, remedy=remedy)
        cells["_order"] = table[order] if order else ibis.literal(0)
        self.cells = table.select(**cells)

    def _different_texts(self) -> dict[str, Counter[str]]:
        """Return the different texts of the columns whose possible values are known, with their rows."""
        columns = [c for c in (*NAMED, CURRENCY, self.incident.decision) if c in self.cells.columns]
        counts: dict[str, Counter[str]] = {}
        for column in columns:
            texts = self.cells[column].cast("string").name("text").value_counts(name="rows")
            found = _fetched(texts.limit(MOST_TEXTS + 1)).drop_nulls("text")
            if len(found) >= MOST_TEXTS:
                remedy = "Name another column under [columns] of the incident or of a layout."
                raise UsageError(f"has {MOST_TEXTS:,} different texts or more", column=column, remedy=remedy)
            counts[column] = Counter(dict(found.iter_rows()))
        return counts

    def _text(self, column: str) -> Ibis:
        """Return the text of a cell without blanks at both ends; null if it is missing."""
        cell = self.cells[column].cast("string")
        text = cell.re_replace(OUTER_BLANKS, "").nullif("")
        words = [word.strip(BLANKS).lower() for word in self.layout.missing] if column not in NAMED else []
        if words:
            text = text.lower().isin(words).ifelse(None, text)
        if column not in NO_TEXT:
            return text
        text = text.lower().re_search(f"^({NO_TEXT[column]})$").ifelse(None, text)
        return text if words else cell.re_search(PLAIN_ID).ifelse(cell, text)

    def _named(self, column: str, ids: Mapping[str, str | None]) -> Ibis:
        """Return the id that a text stands for, given text -> id; null for other texts."""
        texts = {id_: [text for text in ids if ids[text] == id_] for id_ in ids.values() if id_}
        cases = [(self.cells[column].isin(spelled), id_) for id_, spelled in texts.items()]
        return ibis.cases(*cases) if cases else ibis.null("string")

    def _amount(self, column: str, digits: int) -> Ibis:
        """Return a number in the smallest unit; null unless it is whole and below 10^15."""
        factor, cell = Decimal(str(self.layout.scale.get(column, 1))) * 10**digits, self.cells[column]
        if factor != int(factor):
            remedy = "Scale it in the table, with its `mutate`, and leave it out of [scale]."
            raise UsageError("has a scale with a fraction of the smallest unit", column=column, remedy=remedy)
        most, within = LARGEST_LOSS - 1, (LARGEST_LOSS - 1) // int(factor) + 1
        number = cell.between(-within, within).ifelse(cell, None)
        if cell.type().is_decimal():  # with fewer digits, so that there is room for the product
            scale = min(cell.type().scale or 0, 18)
            exact = number.cast(f"decimal({20 + scale}, {scale})")
            number = (exact == number).ifelse(exact, None)
        product = number * int(factor)
        whole = product.cast("int64")
        return ((whole == product) & whole.between(-most, most)).ifelse(whole, None)

    def _day(self, column: str) -> Ibis:
        """Return the day in the time zone of the incident, as the number of days since 1970."""
        cell, (first, last) = self.cells[column], self.window
        if not cell.type().is_timestamp() or cell.type().timezone is None:
            return cell.cast("date").epoch_days().cast("int64")
        seconds = cell.truncate("s").epoch_seconds().cast("int64")
        days = [EPOCH + timedelta(days=day) for day in range(first, last + 2)]
        starts = [int(datetime.combine(day, time(), self.incident.zone).timestamp()) for day in days]
        begun = _cuts_below(seconds, [start - 1 for start in starts])
        return seconds.notnull().ifelse(begun + (first - 1), None)

    def values(self) -> Ibis:
        """Return the typed values of every row; a column `_raw_...` is null where the cell states nothing."""
        cells, incident, layout, null = self.cells, self.incident, self.layout, ibis.null("string")
        texts = self._different_texts()
        if incident.loss_currency and CURRENCY in texts:
            missing = {*claims.MISSING_WORDS, *map(str.casefold, layout.missing)}
            currencies = rows_by_currency(texts[CURRENCY], missing)
            check_one_currency(currencies, incident.loss_currency, file=self.name, column=CURRENCY)
        values = {c: self._text(c) if c in cells.columns else null for c in NO_TEXT}
        for column, ids in incident.known_ids.items():
            known = {text: ids.get(incidents.normalized_name(text)) for text in texts[column]}
            values[column] = self._named(column, known)
            values[f"_raw_{column}"] = self._text(column)
        values["filed_on"] = self._day("filed_on")
        moments = [column for column in (FILED_AT, "filed_on") if column in cells.columns]
        values["_day_of_filed_at"] = self._day(moments[0])
        times = [cells[column] for column in moments if cells[column].type().is_timestamp()]
        values[FILED_AT] = ibis.coalesce(*times) if times else null
        loss = self._amount("loss", incident.loss_digits)
        values["loss"] = (loss < 0).ifelse(0, loss) if incident.loss.negative == "zero" else loss
        for dimension in incident.dimensions:
            name = dimension.id
            if dimension.is_number:
                value = self._amount(name, incident.minor_units if dimension.kind == "paid" else 0)
            else:
                value = values[f"_raw_{name}"] = self._text(name)
            if dimension.kind == "decision":
                known = {text: claims.named_decision(text) for text in texts[name]}
                value = value.notnull().ifelse(self._named(name, known), None)
            values[name] = value
        flag = cells["synthetic"] if "synthetic" in cells.columns else ibis.literal("")
        if flag.type().is_string():
            flag = flag.lower().re_replace("^ +| +$", "").notin(claims.NOT_SYNTHETIC)
        values |= {"_synthetic": flag.ifelse(1, 0), "_is_header": self._is_header()}
        numbers = [c for c in ("loss", *(d.id for d in incident.dimensions)) if f"_raw_{c}" not in values]
        values |= {f"_raw_{c}": cells[c].isnull().ifelse(None, "") for c in numbers}
        return self._computed_once(cells.select(**values, _order="_order"))

    def _is_header(self) -> Ibis:
        """Return whether the texts of a row are headers, as where a file was loaded with its header twice."""
        cells, hits = self.cells, ibis.literal(0, "int64")
        for column in claims.required_columns(self.incident):
            if cells[column].type().is_string():
                text = cells[column].lower().re_replace("[ \t_.-]+", "")
                hits += text.isin([*self.layout.spellings(column)]).ifelse(1, 0)
        return hits >= claims.MIN_HEADER_COLUMNS

    def _computed_once(self, rows: Ibis) -> Ibis:
        # PostgreSQL would compute a value again wherever a later step uses it; but not across a limit.
        return rows.limit(2**62) if self.engine == "postgres" else rows

    def _is_broken(self, rule: str, row: Ibis) -> Ibis:
        """Return whether a row breaks a rule of `rule_conditions`; null counts as no."""
        incident, (first, last) = self.incident, self.window
        column, _, kind = rule.partition(" ")
        value = row[column]
        conditions = {
            "is in full": lambda: value.re_search(ROUNDED),
            "is one line of text": lambda: value.re_search(NOT_ONE_LINE),
            "is a date": value.isnull,
            "is within the claims window": lambda: (value < first) | (value > last),
            "is the day of filed_at": lambda: value != row["_day_of_filed_at"],
            "is not negative": lambda: value < 0,
            "is plausible": lambda: value > incident.loss.plausible_to,
        }
        if kind == "is given":
            return (value if column in NO_TEXT else row[f"_raw_{column}"]).isnull()
        if kind in conditions:
            return conditions[kind]()
        unread = row[f"_raw_{column}"].notnull() & value.isnull()
        if column != incident.paid:
            return unread
        unpaid, paid = value.isnull().ifelse(1, 0), (row[incident.decision] == "paid").ifelse(1, 0)
        return unread | (value < 0) | ((unpaid == paid) & (value.fill_null(-1) != 0))

    def counted(self, dimensions: Sequence[str], bands: Bands) -> Ibis:
        """Return one row per combination of dimension values, band and broken rule, with texts of its sums.

        The rule is null for claims, and for rows whose id another row has: `_copies` and `_repeated`.
        """
        incident, rows = self.incident, self.values()
        broken = [(self._is_broken(rule, rows), rule) for rule in claims.rule_conditions(incident)]
        rows = rows.mutate(_rule=ibis.cases((rows["_is_header"], claims.REPEATED_HEADER), *broken))
        rows = self._computed_once(rows)
        # Equal rows are counted first: then the rows of an id are its different contents.
        content = ("claimant_id", *NAMED, "filed_on", FILED_AT, "loss", *(d.id for d in incident.dimensions))
        keys = {c: rows["_rule"].isnull().ifelse(rows[c], None) for c in ("claim_id", *content)}
        order, total = rows["_order"], {"_rows": rows.count(), "_synthetic": rows["_synthetic"].sum()}
        total |= {"_first": order.min(), "_unordered": order.isnull().ifelse(1, 0).sum()}
        rows = rows.group_by(_rule=rows["_rule"], **keys).agg(**total)
        same_id = ibis.window(group_by=["_rule", "claim_id"])
        first = rows["_first"] == rows["_first"].min().over(same_id)
        kept = first if self.ordered else rows.count().over(same_id) == 1
        rows = rows.mutate(_kept=kept.ifelse(1, 0))
        doubtful = (rows["_unordered"] > 0) | (rows["_kept"].sum().over(same_id) > 1)
        accepted, kept, many = rows["_rule"].isnull(), rows["_kept"] == 1, rows["_rows"]
        number = accepted.ifelse(kept.ifelse(1, 0), many)
        measures = {
            "_claims": number,
            "_rows": many,
            "_synthetic": rows["_synthetic"],
            "_doubtful": (accepted & doubtful).ifelse(1, 0) if self.ordered else ibis.literal(0),
            "_copies": (accepted & kept).ifelse(many - 1, 0),
            "_repeated": (accepted & ~kept).ifelse(many, 0),
            "_paid": number * rows[incident.paid].fill_null(0) if incident.paid else ibis.literal(0),
        }
        groups = {name: rows[name] for name in ("_rule", *dimensions)}
        for dimension in (d for d in incident.dimensions if d.id in dimensions and d.kind == "number"):
            value, (*labels, last) = rows[dimension.id], dimension_labels(dimension)
            cases = [(value <= cut, label) for cut, label in zip(dimension.cuts, labels, strict=True)]
            groups[dimension.id] = value.notnull().ifelse(ibis.cases(*cases, else_=last), None)
        # Claims with the same loss are added first, so that bands are looked up once per loss.
        rows = rows.select(loss="loss", **groups, **measures)
        rows = rows.group_by([*groups, "loss"]).agg(**{name: rows[name].sum() for name in measures})
        cuts = [up_to for _, up_to in bands.rows() if up_to is not None]
        number, loss = rows["_claims"].cast(EXACT), rows["loss"].fill_null(0).cast(EXACT)
        band = rows["loss"].isnull().ifelse(-1, _cuts_below(rows["loss"], cuts))
        rows = rows.mutate(_band=band, _loss=number * loss, _loss_squared=number * loss * loss)
        rows = rows.group_by([*groups, "_band"]).agg(**{c: rows[c].sum() for c in SUMS})
        # As texts, because some backends turn whole numbers into floats on their way.
        return rows.mutate(**{name: rows[name].cast("string") for name in rows.columns})

    def cube(self, dimensions: Sequence[str], bands: Bands, max_rejects: float) -> cubes.Cube:
        """Return the cube, unless too many rows are rejected."""
        incident, source = self.incident, f"{self.name} ({self.engine})"
        found = _fetched(self.counted(dimensions, bands))
        if found.select(pl.any_horizontal(pl.col(SUMS).is_null()).any()).item():
            raise InputRefused("losses add up to more than the engine counts", file=source)
        found = found.with_columns(pl.col(name).cast(kind) for name, kind in SUMS.items())
        total = {name: int(found[name].sum()) for name in COUNTS}
        if not total["_rows"]:
            raise InputRefused("has no rows", file=source)
        if total["_doubtful"]:
            problem = "order_by does not say which of the rows with the same id comes first"
            remedy = "Name a column that is never empty and differs between these rows."
            raise InputRefused(problem, file=source, remedy=remedy)
        by_rule = dict(found.group_by("_rule").agg(pl.col("_claims").sum()).iter_rows())
        accepted = by_rule.pop(None, 0)
        by_rule |= {EXACT_COPY: total["_copies"], REPEATED_ID: total["_repeated"]}
        rejects = {rule: n for rule, n in sorted(by_rule.items()) if n}
        if total["_rows"] != accepted + sum(rejects.values()):
            raise EnvironmentFailed("rows are not claims and rejects", file=source, remedy=REPORT_BUG)
        claims.check_reject_share(rejects, total["_rows"], max_rejects, file=source)
        kept = found.filter(pl.col("_rule").is_null(), pl.col("_claims") > 0)
        cubes.check_total_fits(int(kept["_loss"].sum() or 0))
        for dimension in (d.id for d in incident.dimensions if d.kind == "text" and d.id in dimensions):
            claims.check_labels(dimension, kept[dimension].unique())
        kept = kept.with_columns(pl.from_epoch(pl.col("^filed_on$").cast(pl.Int64), "d"))
        edges = pl.DataFrame(bands.rows()[:-1], cubes.EDGES, orient="row").with_row_index("_band")
        kept = kept.join(edges.cast({"_band": pl.String}), on="_band", how="left")
        decision = incident.decision if incident.decision in dimensions else ""
        measures = cubes.MEASURES | ({"paid": pl.Int64} if decision and incident.paid else {})
        sums = (pl.col(f"_{name}").cast(kind).alias(name) for name, kind in measures.items())
        frame, rows = kept.select(*dimensions, *cubes.EDGES, *sums), incident.rows or cubes.Cube.rows
        # In the order of `build_cube`: unknown values of dimensions and unknown losses are last.
        unknown, last = pl.all_horizontal(pl.col(*cubes.EDGES).is_null()), [True] * len(dimensions)
        frame = frame.sort(*dimensions, unknown, "over", nulls_last=[*last, False, False])
        synthetic = bool(total["_synthetic"]) or "synthetic" in source.lower()
        cube = cubes.Cube(frame, tuple(dimensions), synthetic, source, None, rows, decision)
        return replace(cube, incident=incident, rejects=rejects)


def _cuts_below(value: Ibis, cuts: Sequence[int], first: int = 0) -> Ibis:
    """Return how many of the increasing cuts are below a number that is not null, by halves."""
    if not cuts:
        return ibis.literal(first, "int64")
    half = len(cuts) // 2
    high = _cuts_below(value, cuts[half + 1 :], first + half + 1)
    return (value <= cuts[half]).ifelse(_cuts_below(value, cuts[:half], first), high)
