"""Copies of TOML documents with some values changed in Python, checked like a document that was read."""

from __future__ import annotations

from typing import TypeVar

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from outage_analysis.errors import UsageError
from outage_analysis.files.data_folder import Document, Name

T = TypeVar("T", bound=Document)
MAX_ID, MAX_NAME = 64, 120
"""Most characters of an id and of a name."""
CHANGED_SUFFIX = "-changed"
CHANGED_MARKS = {"en": " (changed)", "ko": " (변경)"}


def validated_copy(document: T, **changes: object) -> T:
    """Return a copy of a document with some fields replaced, after checking the document's rules again.

    Args:
        document: the document.
        **changes: field -> its new value. Nested documents are given as documents.

    Raises:
        UsageError: the changed document breaks one of its rules.
    """
    kind = type(document)
    values = {name: getattr(document, name) for name in document.model_fields_set} | changes
    try:
        return kind.model_validate({_key(name, kind.model_fields[name]): v for name, v in values.items()})
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        problem, _, remedy = message.partition(" | ")
        raise UsageError(f"{getattr(document, 'id', 'the document')}: {problem}", remedy=remedy) from error


def _key(name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return field.alias or name


def changed_id(id_: str) -> str:
    """Return the id of a document that was changed in Python: it ends in `-changed`, once.

    Example:
        >>> changed_id("kakao-2022"), changed_id("kakao-2022-changed")
        ('kakao-2022-changed', 'kakao-2022-changed')
    """
    return id_ if id_.endswith(CHANGED_SUFFIX) else id_[: MAX_ID - len(CHANGED_SUFFIX)] + CHANGED_SUFFIX


def changed_name(name: Name) -> Name:
    """Return the name of a document that was changed in Python: marked as changed in both languages, once."""
    marked = {}
    for lang, mark in CHANGED_MARKS.items():
        original = name[lang].removesuffix(CHANGED_MARKS["en"]).removesuffix(mark)
        marked[lang] = original[: MAX_NAME - len(mark)] + mark
    return Name(**marked)
