"""Decisions about claims: how far a row has come, from a complaint to a paid claim."""

from __future__ import annotations

import re

from outage_analysis.claims.queries import quote_literal

DECISIONS = {
    "complaint": ("complaint", "complained", "신고", "민원", "beschwerde"),
    "filed": (
        *("filed", "open", "pending", "submitted", "received", "registered", "undecided", "underreview"),
        *("inreview", "inprogress", "접수", "접수됨", "접수완료", "신청", "신청완료", "검토중"),
        *("심사중", "처리중"),
        *("대기", "대기중", "보류", "미결", "미결정", "offen", "eingereicht", "eingegangen", "inbearbeitung"),
        *("inprüfung", "inpruefung"),
    ),
    "accepted": (
        *("accepted", "approved", "granted", "승인", "승인됨", "승인완료", "인정", "수락", "채택", "인용"),
        *("지급예정", "지급대기", "anerkannt", "genehmigt", "bewilligt", "angenommen"),
    ),
    "refused": (
        *("refused", "rejected", "denied", "declined", "withdrawn", "dismissed", "거절", "거절됨", "거부"),
        *("반려", "기각", "각하", "불승인", "불인정", "부지급", "철회", "취소", "abgelehnt", "zurückgezogen"),
    ),
    "paid": (
        *("paid", "paidout", "compensated", "지급", "지급됨", "지급완료", "보상완료", "입금완료"),
        *("bezahlt", "ausgezahlt"),
    ),
}
"""Decision -> the words for it in complaint files, in lower case and without blanks and hyphens."""
SPELLINGS = {word: decision for decision, words in DECISIONS.items() for word in words}


def decision_sql(text: str) -> str:
    """Return SQL for the decision that a text names; null if it names none."""
    words, decisions = (f"[{', '.join(map(quote_literal, x))}]" for x in (SPELLINGS, SPELLINGS.values()))
    plain = rf"regexp_replace(lower({text}), '[\s\-_./·]+', '', 'g')"
    return f"({decisions})[list_position({words}, {plain})]"


def named_decision(text: str) -> str | None:
    """Return the decision that a text names, as `decision_sql` does; None if it names none."""
    return SPELLINGS.get(re.sub(r"[ \t\r\n\f\v\-_./·]+", "", text.lower()))
