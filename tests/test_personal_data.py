"""Personal data stay in the warehouse: no report, table or line on a screen carries them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outage_analysis.claims import read_claims
from outage_analysis.errors import DisclosureBlocked
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
