"""Cubes: the same totals as the claims, with zero and unknown apart, from files or from counts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

import outage_analysis as oa
from outage_analysis.claims import read_claims
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import ZERO, Band, Bands, Dimension, Incident, load_incident
from outage_analysis.losses import Cube, build_cube, read_counts, save_cube
from outage_analysis.policies import Policy
from tests.commands import GOOD, HEADER, KAKAO, command
from tests.conftest import ClaimsCsv, claim_rows, with_any_loss
from tests.loss_cubes import band_of

LARGEST = 10**15 - 1


def with_delay(incident: Incident, **more: object) -> Incident:
    """The incident with the minutes of a delay as a further dimension."""
    page = {"id": "delay", "name": {"en": "Delay"}, "kind": "number", "edges": (0, 10, 60), **more}
    delay = Dimension.model_validate(page)
    return incident.model_copy(update={"dimensions": (*incident.dimensions, delay)})


def test_the_edges_of_a_policy_join_the_default_grid(
    claims_csv: ClaimsCsv, incident: Incident, policy: Policy
) -> None:
    claims = read_claims(claims_csv([{"loss": loss} for loss in ("300000", "300001")]), incident)
    assert build_cube(claims, dimensions=(), policy=policy).frame["up_to"][0] == 300_000
    assert len(build_cube(claims, dimensions=()).frame) == 1


LOSS = st.one_of(st.none(), st.integers(0, 40), st.integers(0, LARGEST))
ROW = st.fixed_dictionaries(
    {
        "service": st.sampled_from(["kakaotalk", "melon"]),
        "claimant_type": st.sampled_from(["general_user", "small_business"]),
        "filed_on": st.sampled_from(["2022-10-19", "2022-10-20"]),
        "region": st.sampled_from(["", "서울", "it's"]),
        "delay": st.one_of(st.none(), st.integers(-3, 65)),
        "loss": LOSS,
    }
)


@pytest.mark.slow
@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    cuts=st.lists(st.one_of(st.integers(1, 40), st.integers(1, LARGEST)), max_size=5, unique=True),
    dimensions=st.lists(
        st.sampled_from(["service", "claimant_type", "filed_on", "region", "delay"]), unique=True
    ),
)
@settings(max_examples=20)
def test_a_cube_is_what_grouping_the_claims_by_hand_gives(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    cuts: list[int],
    dimensions: list[str],
) -> None:
    incident = with_any_loss(with_delay(load_incident("kakao-2022")))
    texts = [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("cube") / "a.csv"
    pl.DataFrame(claim_rows(texts, incident)).write_csv(path)
    bands = Bands.from_cuts(tuple(cuts))
    cube = build_cube(read_claims(path, incident), dimensions=dimensions, bands=bands)

    expected: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        loss = row["loss"]
        assert loss is None or isinstance(loss, int)
        key = (*(label(name, row[name]) for name in dimensions), *band_of(bands, loss))
        cell = expected.setdefault(key, [0, 0, 0])
        cell[0] += 1
        cell[1] += loss or 0
        cell[2] += (loss or 0) ** 2
    found = (
        cube.frame.with_columns(pl.col("filed_on").cast(pl.String))
        if ("filed_on" in dimensions)
        else cube.frame
    )
    assert {row[:-3]: [int(x) for x in row[-3:]] for row in found.iter_rows()} == expected
    assert len(found) == len(expected)


def label(name: str, value: object) -> object:
    if name != "delay" or value is None:
        return value or None
    assert isinstance(value, int)
    if value > 60:
        return "over 60"
    return next(
        name
        for top, name in [(0, "up to 0"), (10, "over 0 up to 10"), (60, "over 10 up to 60")]
        if value <= top
    )


@pytest.mark.parametrize(
    ("closed", "labels"),
    [
        ("upper", ["up to 0", "over 0 up to 10", "over 0 up to 10", "over 10 up to 60"]),
        ("lower", ["over -1 up to 9", "over -1 up to 9", "over 9 up to 59", "over 9 up to 59"]),
    ],
)
def test_a_numeric_dimension_is_banded_on_its_edges(
    claims_csv: ClaimsCsv, incident: Incident, closed: str, labels: list[str]
) -> None:
    rows = [{"delay": delay, "region": delay.zfill(2)} for delay in ("0", "1", "10", "11")]
    claims = read_claims(claims_csv(rows), with_delay(incident, closed=closed))
    frame = build_cube(claims, dimensions=("region", "delay")).frame
    assert frame["region"].to_list() == ["00", "01", "10", "11"]
    assert frame["delay"].to_list() == labels


def test_squares_far_beyond_64_bits_are_exact(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"loss": str(LARGEST - n % 2)} for n in range(1_000)]
    cube = build_cube(read_claims(claims_csv(rows), with_any_loss(incident)), dimensions=())
    exact = 500 * LARGEST**2 + 500 * (LARGEST - 1) ** 2
    assert exact > 2**63
    assert cube.frame["loss_squared"].to_list() == [Decimal(exact)]
    assert cube.frame["loss"].to_list() == [1_000 * LARGEST - 500]


@pytest.mark.slow
def test_losses_that_add_up_beyond_64_bits_are_refused_and_never_wrapped(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    incident = with_any_loss(incident)
    fitting = claims_csv([{"loss": str(LARGEST)}] * 9_223)
    total = build_cube(read_claims(fitting, incident), dimensions=()).frame["loss"].sum()
    assert total == 9_223 * LARGEST
    beyond = claims_csv([{"loss": str(LARGEST)}] * 9_224)
    with pytest.raises(InputRefused, match=r"add up to more than 9,223,372,036,854,775,807"):
        build_cube(read_claims(beyond, incident))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        (["servce"], r"no such dimension \(found 'servce'\). Did you mean 'service'\?"),
        (['service"; drop table claims; --'], "no such dimension"),
        (["loss"], "no such dimension"),
        (["service", "service"], "a dimension is named twice"),
    ],
)
def test_a_dimension_that_is_not_there_or_twice_is_refused(
    claims_csv: ClaimsCsv, incident: Incident, dimensions: list[str], message: str
) -> None:
    claims = read_claims(claims_csv([{}]), incident)
    with pytest.raises(UsageError, match=message):
        build_cube(claims, dimensions=dimensions)
    assert len(claims.to_polars()) == 1


def test_a_cube_knows_its_files_and_whether_they_are_synthetic(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    paths = [claims_csv([{}], name="a.csv"), claims_csv([{"claim_id": "d"}], name="synthetic.csv")]
    cube = build_cube(read_claims(paths, incident))
    assert (cube.source, cube.synthetic) == ("a.csv, synthetic.csv", True)
    assert not build_cube(read_claims(paths[:1], incident)).synthetic


COUNTS = "service,claimant_type,band,claims"


def read(tmp_path: Path, incident: Incident, *lines: str, name: str = "counts.csv") -> Cube:
    path = tmp_path / name
    path.write_text("\n".join(lines), "utf-8")
    return read_counts(path, incident)


@pytest.mark.parametrize(
    ("written", "band"),
    [
        ('"(0, 300000]"', (0, 300_000)),
        ('"[300000, 500000)"', (299_999, 499_999)),
        (">500000", (500_000, None)),
        ("0", ZERO),
        ("unknown", (None, None)),
    ],
)
def test_counts_are_read_in_each_way_to_write_a_band(
    tmp_path: Path, incident: Incident, written: str, band: Band
) -> None:
    cube = read(tmp_path, incident, COUNTS, f"카카오 택시,개인,{written},5")
    assert cube.frame.rows() == [("kakao_t", "general_user", *band, 5, None, None)]
    assert (cube.dimensions, cube.source) == (("service", "claimant_type"), "counts.csv")


@pytest.mark.parametrize(
    ("written", "loss", "cell"),
    [
        ('"(0, 60]"', "59.9", (0, 6_000, 5_990)),
        ('"[12.50, 1000.25)"', "12.5", (1_249, 100_024, 1_250)),
        ('">1000.50"', "1001", (100_050, None, 100_100)),
    ],
)
def test_edges_and_losses_of_counts_are_in_whole_currency(
    tmp_path: Path, incident: Incident, written: str, loss: str, cell: tuple[int | None, ...]
) -> None:
    euros = incident.model_copy(update={"minor_units": 2})
    cube = read(tmp_path, euros, f"{COUNTS},loss", f"카톡,개인,{written},1,{loss}")
    assert cube.frame.select("over", "up_to", "loss").row(0) == cell
    for line in ("카톡,개인,>12.505,1,20", "카톡,개인,>12.50,1,20.005"):
        with pytest.raises(InputRefused, match=r"is not a(n amount| loss band)"):
            read(tmp_path, euros, f"{COUNTS},loss", line)


def test_counts_of_the_same_cell_are_added_and_sorted_with_losses_where_all_are_known(
    tmp_path: Path, incident: Incident
) -> None:
    lines = ["카톡,개인,unknown,1,", "카톡,개인,>10,2,50", "talk,user,0,3,0", 'KKT,개인,"(10,]",4,99']
    lines += ["멜론,개인,>10,2,50", "멜론,개인,>10,1,"]
    frame = read(tmp_path, incident, COUNTS + ",loss", *lines).frame
    assert frame.select("service", "over", "up_to", "claims", "loss").rows() == [
        ("kakaotalk", -1, 0, 3, 0), ("kakaotalk", 10, None, 6, 149), ("kakaotalk", None, None, 1, None),
        ("melon", 10, None, 3, None),
    ]  # fmt: skip


def test_a_file_of_counts_with_synthetic_in_its_name_is_synthetic(tmp_path: Path, incident: Incident) -> None:
    line = "카톡,개인,0,1"
    assert read(tmp_path, incident, COUNTS, line, name="Synthetic-counts.csv").synthetic
    assert not read(tmp_path, incident, COUNTS, line).synthetic


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("카톡,개인,lots,5", "counts.csv, row 4, band: is not a loss band (found 'lots')"),
        ("카톡,개인,,5", "counts.csv, row 4, band: is not a loss band (found '')"),
        ("카톡,개인,>9999999999999999,5", "counts.csv, row 4, band: is not a loss band"),
        ("카톡,개인,0,-5", "counts.csv, row 4, claims: claims is not a whole number (found '-5')"),
        ("카톡,개인,0,5.0", "row 4, claims: claims is not a whole number (found '5.0')"),
        ("카톡,개인,0,٣", "row 4, claims: claims is not a whole number (found '٣')"),
        ("카톡,개인,0,", "row 4, claims: claims is not a whole number (found '')"),
        ("카톡,개인,0,1000000000000000", "row 4, claims: claims is not a whole number"),
        (
            "카카오톸,개인,0,5",
            "row 4, service: service is not known (found '카카오톸'). Did you mean '카카오톡'?",
        ),
        ("카톡,a cat,0,5", "row 4, claimant_type: claimant_type is not known (found 'a cat')"),
        ("카톡,개인,0", "counts.csv, row 4: has not the fields of its header"),
        ("카톡,개인,0,5,6", "counts.csv, row 4: has not the fields of its header"),
    ],
)
def test_a_bad_count_is_refused_by_row_and_column(
    tmp_path: Path, incident: Incident, line: str, message: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        read(tmp_path, incident, COUNTS, "카톡,개인,0,5", "", line)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "cell", ["0,5,1", '"(0, 10]",5,4', '"(0, 10]",5,51', ">10,5,54", "unknown,5,1", '"(0, 10]",0,1']
)
def test_losses_that_so_many_claims_in_a_band_cannot_have_are_refused(
    tmp_path: Path, incident: Incident, cell: str
) -> None:
    with pytest.raises(InputRefused, match="row 2, loss: the losses do not fit that many claims"):
        read(tmp_path, incident, COUNTS + ",loss", f"카톡,개인,{cell}")


@pytest.mark.parametrize(
    "cell", ["0,5,0", '"(0, 10]",5,5', '"(0, 10]",5,50', ">10,5,55", "unknown,5,0", ">10,0,0"]
)
def test_losses_at_the_ends_of_what_is_possible_are_read(
    tmp_path: Path, incident: Incident, cell: str
) -> None:
    cube = read(tmp_path, incident, COUNTS + ",loss", f"카톡,개인,{cell}")
    assert cube.frame["loss"].item() == int(cell.rpartition(",")[2])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        *((COUNTS.replace(x, "other"), f"needs exactly one column {x}") for x in COUNTS.split(",")),
        (COUNTS + ", Claims", "needs exactly one column claims"),
    ],
)
def test_a_column_of_counts_that_is_missing_or_there_twice_is_named(
    tmp_path: Path, incident: Incident, header: str, message: str
) -> None:
    with pytest.raises(InputRefused, match=f"row 1: {message}"):
        read(tmp_path, incident, header, "카톡,개인,0,5" + ",6" * (header.count(",") - 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file has no rows"),
        (COUNTS.encode(), "the file has no rows"),
        (b"\xff\xfe", "cannot be read as UTF-8 CSV"),
        (COUNTS.encode() + b'\n"a"b,c', "cannot be read as UTF-8 CSV"),
        (COUNTS.encode() + b"\n" + b"9" * 3_000_000, "cannot be read as UTF-8 CSV"),
    ],
)
def test_a_file_of_counts_that_cannot_be_read_is_refused(
    tmp_path: Path, incident: Incident, content: bytes, message: str
) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=message):
        read_counts(path, incident)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("(0, 300]", "(200, 500]"),
        ("(200, 500]", "(0, 300]"),
        ("(0, 300]", "[300, 500)"),
        ("(0, 500]", "(0, 300]"),
        (">300", ">500"),
        ("[0, 300)", "0"),
        ("negative", "(-10, 0]"),
    ],
)
def test_bands_in_which_a_claim_could_be_counted_twice_are_refused(
    tmp_path: Path, incident: Incident, first: str, second: str
) -> None:
    lines = [f'카톡,개인,"{first}",5', "카톡,개인,unknown,1", f'카톡,개인,"{second}",7']
    with pytest.raises(InputRefused) as refusal:
        read(tmp_path, incident, COUNTS, *lines)
    said = (
        f"counts.csv, row 4, band: overlaps the band of row 2, {first}, of the same service and claimant type"
    )
    assert str(refusal.value).startswith(said)
    assert f"(found '{second}')" in str(refusal.value)


def test_bands_that_meet_and_bands_of_others_overlap_nothing(tmp_path: Path, incident: Incident) -> None:
    rows = ["(0, 300]", "(300, 500]", ">500", "0", "negative", "unknown", "(0, 300]"]
    lines = [f'카톡,개인,"{band}",1' for band in rows] + ['카톡,소상공인,"(0, 500]",1', "멜론,개인,>200,1"]
    header = "\ufeffService, claimant_type,BAND,claims"  # neither case, blanks nor a byte order mark matter
    assert read(tmp_path, incident, header, *lines).claims == 9


def test_counts_that_add_up_beyond_64_bits_are_refused(tmp_path: Path, incident: Incident) -> None:
    lines = [f"카톡,개인,>{n},{LARGEST}" for n in range(9_224)]
    with pytest.raises(InputRefused, match="add up to more than"):
        read(tmp_path, incident, COUNTS, *lines)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with complaints of January."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "january.csv").write_text(HEADER + GOOD, "utf-8")
    return tmp_path


def test_a_parquet_file_holds_the_cube_and_says_what_it_is_of(folder: Path) -> None:
    claims = oa.read_claims(folder / "january.csv", "kakao-2022")
    cube = build_cube(claims)
    for name in ("one", "two"):
        save_cube(cube, folder / f"{name}.parquet", claims=claims)
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
    assert pl.read_parquet(folder / "one.parquet").equals(cube.frame)
    metadata = pl.read_parquet_metadata(folder / "one.parquet")
    assert metadata["outage_analysis.incident"] == "kakao-2022"
    assert metadata["outage_analysis.inputs_sha256"] == claims.inputs[0].sha256
    assert metadata["outage_analysis.synthetic"] == "false"


def test_a_synthetic_cube_is_written_as_csv_and_no_parquet_but_under_a_name_that_says_so(
    folder: Path,
) -> None:
    (folder / "january.csv").rename(folder / "synthetic.csv")
    code, out, err = command("cube", *KAKAO, "synthetic.csv", "--out", "cube.parquet")
    assert (code, out) == (2, "")
    assert err.endswith("does not say so. Name it cube-synthetic.parquet.\n")
    assert command("cube", *KAKAO, "synthetic.csv", "--out", "cube.csv") == (0, "cube.csv\n", "")
