"""Recognise the meaning of a column header by its words, in English, Korean, German and Japanese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

IDENTIFIER = {
    *("id", "no", "nr", "num", "number", "code", "key", "ref", "reference", "번호", "코드", "아이디"),
    *("nummer", "kennung", "aktenzeichen", "番号"),
}
CLAIM = {
    *("claim", "case", "ticket", "complaint", "report", "request", "record", "row", "entry", "submission"),
    *("접수", "신고", "민원", "관리", "티켓", "사건", "문의", "요청", "일련", "연번", "순번", "클레임"),
    *("vorgang", "vorgangs", "fall", "meldung", "meldungs", "beschwerde", "schadennummer", "schadensnummer"),
    *("受付", "申請", "申告", "苦情", "案件"),
}
CLAIMANT = {
    *("customer", "claimant", "complainant", "user", "member", "subscriber", "client"),
    *("회원", "고객", "신고자", "신고인", "신청자", "신청인", "이용자", "사용자", "가입자", "민원인"),
    *("kunde", "kunden", "nutzer", "melder", "antragsteller", "mitglied", "mitglieds"),
    *("顧客", "お客様", "会員", "契約者", "申請者"),
}
FILED = {
    *("filed", "received", "reported", "submitted", "created", "opened", "lodged", "registered"),
    *("접수", "신고", "등록", "제출"),
    *("gemeldet", "melde", "meldungs", "eingang", "eingangs", "eingereicht", "eingegangen", "erfasst"),
    *("受付", "申請", "申告", "登録"),
}
TIME = {
    *("date", "time", "day", "on", "at", "일시", "일자", "날짜", "시각", "시간", "일"),
    *("datum", "tag", "zeit", "日", "日付", "日時", "時刻"),
}
LOSS = {
    *("loss", "losses", "damage", "damages", "손실", "피해", "손해", "schaden", "schadens", "verlust"),
    *("損害", "損失", "被害"),
}
AMOUNT = {"amount", "sum", "value", "금액", "액", "summe", "betrag", "betrags", "hoehe", "額", "金額"}
ABOUT_AMOUNTS = {
    *("claimed", "reported", "alleged", "estimated", "stated", "total", "in", "of", "the", "krw", "won"),
    *("신고", "추정", "예상", "총", "합계", "원"),
    *("gemeldeter", "gemeldete", "geschaetzter", "geschaetzte", "der", "des"),
}
"""Words that a header may contain beside a word of LOSS or AMOUNT, because they do not change its meaning."""
SERVICE = {"service", "product", "app", "서비스", "앱", "dienst", "produkt", "サービス", "商品"}
TYPE = {"type", "kind", "class", "구분", "유형", "종류", "art", "typ", "gruppe", "種別", "区分"}
DECISION = {
    *("status", "decision", "decided", "outcome", "disposition", "entscheidung", "bescheid"),
    *("상태", "결정", "결과", "판정"),
}
ABOUT_DECISIONS = {
    *("processing", "process", "review", "payment", "payout", "current", "final", "the", "of"),
    *("처리", "심사", "검토", "신청", "지급", "승인", "여부", "현재"),
}
"""Words that a header may contain beside a word of DECISION."""
PAID = {
    *("paid", "payout", "payouts", "payment", "payments", "ausgezahlt", "auszahlung", "gezahlt"),
    *("지급", "보상"),
}
NAME = {"name", "명", "이름"}
CONTACT = {
    *("phone", "telephone", "tel", "mobile", "cell", "cellphone", "contact", "callback", "fax", "whatsapp"),
    *("email", "mail", "address", "surname", "firstname", "lastname", "fullname", "birth", "birthday"),
    *("birthdate", "dob", "ssn", "resident", "passport", "card", "iban", "bank"),
    *("전화", "연락처", "휴대폰", "핸드폰", "휴대전화", "모바일", "팩스", "이메일", "메일", "주소", "성명"),
    *("성함", "생년월일", "생일", "주민", "주민등록", "여권", "계좌", "카드"),
    *("電話", "携帯", "連絡先", "メール", "住所", "氏名", "名前", "生年月日", "口座"),
    *("telefon", "handy", "anschrift", "adresse", "vorname", "nachname", "geburtsdatum", "strasse"),
}
COUNTS = {"count", "hours", "days", "minutes", "건", "건수", "명", "시간", "분", "일", "일수"}
"""Words in brackets that show that the loss in a column is not an amount of money, as in 피해(건)."""
_UNRELATED = {"발생"}
"""Words that contain a shorter, unrelated word: 발생일 (date of an event) contains 생일 (birthday)."""
_HANGUL = sorted(
    (
        word
        for words in (IDENTIFIER, CLAIM, CLAIMANT, FILED, TIME, LOSS, AMOUNT, ABOUT_AMOUNTS, SERVICE, TYPE)
        for word in (*words, *DECISION, *ABOUT_DECISIONS, *PAID, *NAME, *CONTACT, *_UNRELATED)
        if not word.isascii()
    ),
    key=len,
    reverse=True,
)
_KNOWN = re.compile("|".join(dict.fromkeys(_HANGUL)))
_GERMAN_PARTS = (
    *("schadensnummer", "schadennummer", "aktenzeichen", "beschwerde", "mitglieds", "vorgangs", "eingangs"),
    *("meldungs", "schadens", "vorgang", "eingang", "meldung", "schaden", "kunden", "nummer", "betrags"),
    *("betrag", "dienst", "melde", "summe", "hoehe", "datum", "fall", "zeit", "tag", "art", "typ", "nr"),
)
_GERMAN = re.compile("|".join(_GERMAN_PARTS))
_GERMAN_COMPOUND = re.compile(f"(?:{_GERMAN.pattern})+")
"""Pattern of a German word that consists of known words, such as Schadenssumme."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def split_header(header: str) -> list[str]:
    """Split a column header into words in lower case.

    "customerID" becomes "customer" and "id"; "접수번호" becomes "접수" and "번호"; "Vorgangsnummer" becomes
    "vorgangs" and "nummer". Other Korean characters stay together as one word. Digits and
    punctuation are dropped.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header)).casefold()
    apart = apart.translate(_UMLAUTS)
    words: list[str] = []
    for run in re.findall(r"[a-z]+|[^\W\d_a-z]+", apart):
        if _GERMAN_COMPOUND.fullmatch(run):
            words += _GERMAN.findall(run)
            continue
        known = [match.group() for match in _KNOWN.finditer(run)]
        words += known + [part for part in _KNOWN.split(run) if part]
    return words


def split_brackets(header: str) -> tuple[str, list[str]]:
    """Return the part of a column header outside brackets, and the words inside brackets."""
    plain = unicodedata.normalize("NFKC", header)
    inside = " ".join(re.findall(r"[(\[]([^()\[\]]*)[)\]]", plain))
    return re.sub(r"[(\[][^()\[\]]*[)\]]", " ", plain), split_header(inside)


def means_personal_data(header: str) -> bool:
    """Return whether a header names personal data: a name, contact data or a personal number."""
    words = set(split_header(header))
    if words & CONTACT:
        return True
    return bool(words & NAME) and words <= NAME | CLAIMANT | {"first", "last", "full", "given", "family"}


def means_claim_id(header: str) -> bool:
    """Return whether a header names the id of a claim: "Ticket No.", "접수번호", or "ID" alone."""
    words = set(split_header(header))
    if words & (CLAIMANT | CONTACT | NAME):
        return False
    if words & CLAIM:
        return bool(words & IDENTIFIER) or words <= CLAIM
    return bool(words) and words <= IDENTIFIER


def means_claimant_id(header: str) -> bool:
    """Return whether a header names the id of a claimant: "customer id", "고객번호", "회원"."""
    words = set(split_header(header))
    return bool(words & CLAIMANT) and words <= CLAIMANT | IDENTIFIER


def means_loss(header: str, units: Iterable[str]) -> bool:
    """Return whether a header names the loss: "Damage", "피해 금액(만원)" or "amount", but not "paid amount".

    Args:
        header: the column header.
        units: the currency and the unit of losses. The header may contain them.
    """
    plain, inside = split_brackets(header)
    words, allowed = set(split_header(plain)), {unit.casefold() for unit in units}
    if set(inside) & (COUNTS - allowed):
        return False
    return bool(words & (LOSS | AMOUNT)) and words <= LOSS | AMOUNT | ABOUT_AMOUNTS | allowed


def means_decision(header: str) -> bool:
    """Return whether a header names the decision about a claim: "status", "claim status", "처리상태"."""
    words = set(split_header(header))
    return bool(words & DECISION) and words <= DECISION | ABOUT_DECISIONS | CLAIM


def means_paid(header: str, units: Iterable[str]) -> bool:
    """Return whether a header names the amount paid: "paid amount", "지급액", "payout (EUR)"."""
    words = set(split_header(split_brackets(header)[0]))
    return bool(words & PAID) and words <= PAID | AMOUNT | {"total", "in", "원", *map(str.casefold, units)}


def has_word(header: str, words: set[str]) -> bool:
    """Return whether a header contains one of the given words."""
    return not words.isdisjoint(split_header(header))
