"""Personal data stay in the warehouse: no report, table or line on a screen carries them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outage_analysis.claims import read_claims
from outage_analysis.errors import DisclosureBlocked
from outage_analysis.incidents import load_incident
from outage_analysis.losses import build_cube
from tests.commands import KAKAO, command
from tests.conftest import claim_rows

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident
    from tests.conftest import ClaimsCsv

PHONE, MAIL, RESIDENT, CARD = (
    "010-9876-5432",
    "minsu.kim@example.com",
    "900101-1234567",
    "4111-1111-1111-1111",
)
KINDS = {
    "phone number": PHONE,
    "e-mail address": MAIL,
    "Korean resident number": RESIDENT,
    "card number": CARD,
}
SENTENCE = "어제부터 가게 문을 못 열고 있습니다. 김민수 올림"
NAME = "김민수"
SECRETS = (PHONE, MAIL, RESIDENT, CARD, SENTENCE, NAME, "9876-5432", "minsu", "-1234567", "4111-1111")
"""What stands in the file and may be found nowhere else, whole or in part."""


# --- what is refused ----------------------------------------------------------------------------------------


def refused(arguments: tuple[object, ...], column: str, kind: str) -> None:
    """The command is blocked, says which column holds what, and shows no value."""
    code, out, err = command(*arguments)
    assert (code, out) == (4, "")
    assert err.startswith(f"error: {column}: holds what looks like a {kind} in 1 of 2 different values")
    assert err.count("\n") == 1
    assert not [secret for secret in SECRETS if secret in err]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_personal_data_is_reported_by_its_name(
    claims_csv: ClaimsCsv, incident: Incident, kind: str
) -> None:
    claims = read_claims(claims_csv([{"region": KINDS[kind]}]), incident)
    article = "an" if kind.startswith("e") else "a"
    said = f"region: holds what looks like {article} {kind} in 1 of 1 different values"
    with pytest.raises(DisclosureBlocked, match=said):
        build_cube(claims, dimensions=("region",))


# --- what is shown ------------------------------------------------------------------------------------------


def shifted(incident: Incident) -> list[list[str]]:
    """Complaints with two columns that nobody maps, and rows whose cells stand in the wrong columns."""
    (good,) = claim_rows([{}], incident)
    extra = {"연락처": PHONE, "내용": f"{SENTENCE} {MAIL} {RESIDENT} {CARD}"}

    def row(**cells: str) -> list[str]:
        return list({**good, **extra, **cells}.values())

    rows = [row(claim_id=f"c{n}") for n in range(30)]
    for column in ("claim_id", "service", "claimant_type", "filed_on", "loss"):
        for n, secret in enumerate((PHONE, MAIL, RESIDENT, CARD, SENTENCE, f"{PHONE} {MAIL}")):
            cells = {"claim_id": f"{column} {n}", "loss": "x", column: secret}
            rows.append(row(**cells))
    for n in (1, 2, 3):  # each cell some columns further to the right, or to the left
        rows.append([*([RESIDENT] * n), *row(claim_id=f"r{n}")[:-n]])
        rows.append([*row(claim_id=f"l{n}")[n:], *([PHONE] * n)])
    rows += [[PHONE, MAIL], [*row(), SENTENCE, RESIDENT], [PHONE]]
    return [[*good, *extra], *rows]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(shifted(load_incident("kakao-2022")))
    return path


@pytest.mark.parametrize(
    "line", ['{"claim_id": "010-9876-5432", "x": [1]}', "010-9876-5432", '["minsu.kim@example.com"]']
)
def test_a_broken_line_of_json_is_reported_without_its_text(
    tmp_path: Path, incident: Incident, line: str
) -> None:
    (good,) = claim_rows([{}], incident)
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(good)}\n{line}\n", "utf-8")
    code, out, err = command("ingest", *KAKAO, path, "--max-rejects", "50%")
    assert code == 0
    assert "2 rows = 1 claim + 1 reject" in out
    assert not [secret for secret in SECRETS if secret in out + err]
