"""Describe one column of an inspected file by the words of its header and by its values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.inspection.value_formats import (
    MIN_SHARE,
    FilingWindow,
    FormatChoice,
    choose_amount_formats,
    choose_day_formats,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.cell_values import MISSING_WORDS
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident, NamedItem, header_multiplier, normalized_name
from outage_analysis.text import (
    AMOUNTS,
    DATES,
    amount_sql,
    day_sql,
    find_personal_data,
    has_time,
    mask_personal_data,
)

MAX_VALUES = 100_000
"""Most distinct values of a column that are inspected. The most frequent ones are taken."""
NUMERIC_DAY_FORMATS = {"compact", "excel", "unix"}
"""Formats that write a day as a plain number. A column counts as such days only if its header means a day."""
_LONG_TEXT = r"\S\s+\S+\s+\S|.{41}"
"""Pattern of free text: a value of three words or more, or of more than 40 characters."""
_FREE_TEXT_SHARE = 0.3
"""A column counts as free text if at least this share of its rows are free text."""
_CODE = r"^[\p{L}\p{N}#._/:+-]{1,64}$"
_NOT_A_CODE = r"^\+|^\d+\.\d+$|^0[1-9]\d{7,9}$|^0\d{1,3}[-./]\d|^\d{3}[-./]\d{3}[-./]\d{4}$|^\d{3}[-.]\d{4}$"
"""Pattern of a decimal number, or of a possible telephone number."""


class Column:
    """One column of an inspected file: its header, its distinct values and the kind of these values.

    `texts` has one row per distinct value: text, and the number of rows with it. `rows` is the number of
    rows, `filled` the number of rows with a value, and `distinct` the number of distinct values. `services`
    and `claimant_types` are the shares of filled rows whose value is the name of a service or claimant type.
    `personal` is the kind of personal data in the column and the number of values with such data, or None.
    `days` and `amounts` are `texts` with one more column per format, which contains the parsed values.
    """

    def __init__(self, warehouse: Warehouse, name: str, header: str, incident: Incident) -> None:
        self.header = header
        self.texts = warehouse.frame(
            queries.load("column_texts", name=quote_identifier(name), most=str(MAX_VALUES))
        )
        counts = warehouse.frame(queries.load("column_counts", name=quote_identifier(name)))
        self.rows, self.filled, self.distinct = counts.row(0)
        self.scale = header_multiplier(header)
        self._headed = pl.DataFrame({"text": [header.strip()], "rows": [0]})
        self._warehouse, self._incident = warehouse, incident
        # `_counted` is the number of cells whose values are inspected. It is less than `filled` if the column
        # has more than MAX_VALUES distinct values, because only the most frequent are inspected.
        self._counted = int(self.texts["rows"].sum())

    # The properties below are computed when they are first used: parsing 100,000 values in every format takes
    # seconds, and whoever looks for one column by its header needs it only for this column.

    @cached_property
    def services(self) -> float:
        """The share of non-empty cells that name a service."""
        return self._share_named(self._incident.services)

    @cached_property
    def claimant_types(self) -> float:
        """The share of non-empty cells that name a claimant type."""
        return self._share_named(self._incident.claimant_types)

    @cached_property
    def personal(self) -> tuple[str, int] | None:
        """The kind of personal data in the column and the number of values with such data; None if none."""
        return find_personal_data(self.texts["text"])

    @property
    def days(self) -> pl.DataFrame:
        """The distinct values, with one column per format of days."""
        return self._parsed_days[0]

    @property
    def amounts(self) -> pl.DataFrame:
        """The distinct values, with one column per format of amounts."""
        return self._parsed_amounts[0]

    @cached_property
    def day(self) -> FormatChoice:
        """The format of days that fits the values best."""
        window = FilingWindow.from_incident(self._incident)
        stated = self._counted - self._missing_rows
        return choose_day_formats(self.days, stated + self.rows - self.filled, window)

    @property
    def timed(self) -> int:
        """The number of inspected rows whose value has a time of day other than midnight."""
        return sum(rows for text, rows in self.texts.iter_rows() if has_time(text))

    @cached_property
    def amount(self) -> FormatChoice:
        """The format of amounts that fits the values best."""
        return choose_amount_formats(self.amounts, self._counted - self._missing_rows)

    @cached_property
    def missing_words(self) -> dict[str, int]:
        """The values that often stand for a missing value, with their number of rows."""
        known = pl.col("text").str.to_lowercase().is_in(MISSING_WORDS)
        return dict(self.texts.filter(known).iter_rows())

    @property
    def _missing_rows(self) -> int:
        return sum(self.missing_words.values())

    @cached_property
    def _parsed_days(self) -> tuple[pl.DataFrame, dict[str, object]]:
        window = (self._incident.claims_from, self._incident.claims_to)
        zone = self._incident.time_zone
        return self._values({n: day_sql("text", [n], zone, window=window) for n in DATES})

    @cached_property
    def _parsed_amounts(self) -> tuple[pl.DataFrame, dict[str, object]]:
        digits, code = self._incident.loss_digits, self._incident.loss_currency
        return self._values(
            {n: amount_sql("text", [n], digits=digits, scale=self.scale, currency=code) for n in AMOUNTS}
        )

    def _values(self, expressions: dict[str, str]) -> tuple[pl.DataFrame, dict[str, object]]:
        """Parse the values and the header of the column in every format for days, or for amounts.

        Returns:
            A table with one row per value and one column per format, and the header as parsed by each format.
        """
        self._warehouse.load("_texts", pl.concat([self.texts, self._headed], how="vertical_relaxed"))
        values = ", ".join(f"{sql} as {quote_identifier(name)}" for name, sql in expressions.items())
        frame = self._warehouse.frame(queries.load("text_readings", values=values))
        return frame.filter(pl.col("rows") > 0), frame.filter(pl.col("rows") == 0).row(0, named=True)

    def _share_named(self, items: Sequence[NamedItem]) -> float:
        """Return the share of non-empty cells that name one of these services or claimant types."""
        spellings = {s for item in items for s in item.spellings()}
        rows = sum(rows for text, rows in self.texts.iter_rows() if normalized_name(text) in spellings)
        return rows / self.filled if self.filled else 0.0

    def share(self, condition: pl.Expr) -> float:
        """Return the share of inspected non-empty cells that meet a condition on the column `text`."""
        rows = int(self.texts["rows"].sum())
        return int(self.texts.filter(condition)["rows"].sum()) / rows if rows else 0.0

    @property
    def free_text(self) -> bool:
        """Whether the column contains free text, such as sentences."""
        return self.share(pl.col("text").str.contains(_LONG_TEXT)) >= _FREE_TEXT_SHARE

    @property
    def codes(self) -> float:
        """The share of non-empty cells that may be ids: with a digit, without a space, no phone number."""
        text = pl.col("text")
        return self.share(
            text.str.contains(_CODE) & text.str.contains(r"[0-9]") & ~text.str.contains(_NOT_A_CODE)
        )

    @property
    def may_be_names(self) -> bool:
        """Whether most values are distinct and contain no digit, as names of people do."""
        digits = self.share(pl.col("text").str.contains("[0-9]"))
        return digits < MIN_SHARE and 1 < self.filled < self.distinct / MIN_SHARE

    @property
    def short_numbers(self) -> float:
        """The share of non-empty cells with a number of up to three digits, such as an age or a count."""
        return self.share(pl.col("text").str.contains(r"^\d{1,3}$"))

    @property
    def may_be_day(self) -> bool:
        """Whether the column may contain days: some format can read most rows as days.

        If the days are written as plain numbers, the header must also mean a day.
        """
        numeric = NUMERIC_DAY_FORMATS.issuperset(self.day.formats or self.day.tied)
        return bool(self.day.reason) and (not numeric or has_word(self.header, FILED | TIME))

    @property
    def reads_as(self) -> str:
        """The kind of most values: nothing, service, claimant_type, day, amount, free text or text."""
        if not self.filled:
            return "nothing"
        if self.services >= MIN_SHARE:
            return "service"
        if self.claimant_types >= MIN_SHARE:
            return "claimant_type"
        if self.may_be_day and self.day.score >= MIN_SHARE:
            return "day"
        if self.amount.score >= MIN_SHARE:
            return "amount"
        return "free text" if self.free_text else "text"

    def format_choice(self, reads_as: str) -> FormatChoice:
        """Return the proposed formats if `reads_as` is day or amount; otherwise an empty choice."""
        return {"day": self.day, "amount": self.amount}.get(reads_as, FormatChoice())

    @property
    def hidden(self) -> str | None:
        """A note to show instead of the values if they may be personal data; None if they may be shown.

        This concerns values that match no pattern of personal data, such as names and free text.
        """
        if means_personal_data(self.header) and self.reads_as not in ("service", "claimant_type"):
            return "(personal)"
        if self.reads_as == "free text":
            return "(free text)"
        return "(text)" if self.reads_as == "text" and self.may_be_names else None

    def header_is(self, reads_as: str) -> bool:
        """Return whether the header itself is a day or an amount (`reads_as`), like the values below."""
        cells = (self._parsed_days if reads_as == "day" else self._parsed_amounts)[1]
        choice = self.format_choice(reads_as)
        return any(cells[name] is not None for name in (*choice.formats, *choice.tied))

    @property
    def header_is_clear_day(self) -> bool:
        """Whether the header itself is a day that is not written as a plain number."""
        return any(
            day is not None
            for name, day in self._parsed_days[1].items()
            if name in DATES.keys() - NUMERIC_DAY_FORMATS
        )

    def summary(self) -> tuple[object, ...]:
        """Return the row that describes this column in the table of columns.

        The row contains the kind of values, formats, share of missing values, number of distinct values, kind
        of personal data, and an example.
        """
        missing = 1 - self.filled / self.rows if self.rows else 1.0
        kind = self.personal[0] if self.personal else None
        if kind is None and self.hidden == "(personal)":
            kind = "by its header"
        example = (self.hidden or mask_personal_data(self.texts["text"][0])) if self.filled else None
        formats = ", ".join(self.format_choice(self.reads_as).formats) or None
        return self.reads_as, formats, round(missing, 4), self.distinct, kind, example


IDENTIFIER = {"id", "no", "nr", "num", "number", "code", "key", "ref", "reference", "번호", "코드", "아이디"}
CLAIM = {
    *("claim", "case", "ticket", "complaint", "report", "request", "record", "row", "entry", "submission"),
    *("접수", "신고", "민원", "관리", "티켓", "사건", "문의", "요청", "일련", "연번", "순번", "클레임"),
}
CLAIMANT = {
    *("customer", "claimant", "complainant", "user", "member", "subscriber", "client"),
    *("회원", "고객", "신고자", "신고인", "신청자", "신청인", "이용자", "사용자", "가입자", "민원인"),
}
FILED = {
    *("filed", "received", "reported", "submitted", "created", "opened", "lodged", "registered"),
    *("접수", "신고", "등록", "제출"),
}
TIME = {"date", "time", "day", "on", "at", "일시", "일자", "날짜", "시각", "시간", "일"}
LOSS = {"loss", "losses", "damage", "damages", "손실", "피해", "손해"}
AMOUNT = {"amount", "sum", "value", "금액", "액"}
ABOUT_AMOUNTS = {
    *("claimed", "reported", "alleged", "estimated", "stated", "total", "in", "of", "the", "krw", "won"),
    *("신고", "추정", "예상", "총", "합계", "원"),
}
"""Words that do not change the meaning of a header that contains a word of LOSS or AMOUNT."""
SERVICE = {"service", "product", "app", "서비스", "앱"}
TYPE = {"type", "kind", "class", "구분", "유형", "종류"}
NAME = {"name", "명", "이름"}
CONTACT = {
    *("phone", "telephone", "tel", "mobile", "cell", "cellphone", "contact", "callback", "fax", "whatsapp"),
    *("email", "mail", "address", "surname", "firstname", "lastname", "fullname", "birth", "birthday"),
    *("birthdate", "dob", "ssn", "resident", "passport", "card", "iban", "bank"),
    *("전화", "연락처", "휴대폰", "핸드폰", "휴대전화", "모바일", "팩스", "이메일", "메일", "주소", "성명"),
    *("성함", "생년월일", "생일", "주민", "주민등록", "여권", "계좌", "카드"),
}
COUNTS = {"count", "hours", "days", "minutes", "건", "건수", "명", "시간", "분", "일", "일수"}
"""Words that, in brackets in a header, show that the loss is not an amount of money, as in 피해(건)."""
_UNRELATED = {"발생"}
"""Words that contain a shorter, unrelated word: 발생일 (day of an event) contains 생일 (birthday)."""
_HANGUL = sorted(
    (
        word
        for words in (IDENTIFIER, CLAIM, CLAIMANT, FILED, TIME, LOSS, AMOUNT, ABOUT_AMOUNTS, SERVICE, TYPE)
        for word in (*words, *NAME, *CONTACT, *_UNRELATED)
        if not word.isascii()
    ),
    key=len,
    reverse=True,
)
_KNOWN = re.compile("|".join(dict.fromkeys(_HANGUL)))


def split_header(header: str) -> list[str]:
    """Split a column header into words in lower case.

    "customerID" becomes "customer" and "id"; "접수번호" becomes "접수" and "번호". Korean text that is not in
    the word lists stays together as one word. Digits and punctuation are dropped.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header)).casefold()
    words: list[str] = []
    for run in re.findall(r"[a-z]+|[^\W\d_a-z]+", apart):
        known = [match.group() for match in _KNOWN.finditer(run)]
        words += known + [part for part in _KNOWN.split(run) if part]
    return words


def split_brackets(header: str) -> tuple[str, list[str]]:
    """Split a column header into the text outside brackets and the words inside brackets."""
    plain = unicodedata.normalize("NFKC", header)
    inside = " ".join(re.findall(r"[(\[]([^()\[\]]*)[)\]]", plain))
    return re.sub(r"[(\[][^()\[\]]*[)\]]", " ", plain), split_header(inside)


def means_personal_data(header: str) -> bool:
    """Return whether a header means personal data: a name, contact data or a personal number."""
    words = set(split_header(header))
    if words & CONTACT:
        return True
    return bool(words & NAME) and words <= NAME | CLAIMANT | {"first", "last", "full", "given", "family"}


def means_claim_id(header: str) -> bool:
    """Return whether a header means the id of a claim: "Ticket No.", "접수번호", or "ID" alone."""
    words = set(split_header(header))
    if words & (CLAIMANT | CONTACT | NAME):
        return False
    if words & CLAIM:
        return bool(words & IDENTIFIER) or words <= CLAIM
    return bool(words) and words <= IDENTIFIER


def means_claimant_id(header: str) -> bool:
    """Return whether a header means the id of a claimant: "customer id", "고객번호", "회원"."""
    words = set(split_header(header))
    return bool(words & CLAIMANT) and words <= CLAIMANT | IDENTIFIER


def means_loss(header: str, units: Iterable[str]) -> bool:
    """Return whether a header means the loss: "Damage", "피해 금액(만원)" or "amount", but not "paid amount".

    Args:
        header: the column header.
        units: the currency and the unit of losses. The header may contain them.
    """
    plain, inside = split_brackets(header)
    words, allowed = set(split_header(plain)), {unit.casefold() for unit in units}
    if set(inside) & (COUNTS - allowed):
        return False
    return bool(words & (LOSS | AMOUNT)) and words <= LOSS | AMOUNT | ABOUT_AMOUNTS | allowed


def has_word(header: str, words: set[str]) -> bool:
    """Return whether a header contains one of these words."""
    return not words.isdisjoint(split_header(header))
