"""Files: paths go in; validated documents and atomically written files come out.

Modules:
    data_folder: where the folder data/ is, base classes of TOML documents, and hints for misspelt names
    documents: reads, validates, changes and writes TOML documents
    atomic_write: writes files and folders completely or not at all
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.files.atomic_write import atomic_file as atomic_file
    from outage_analysis.files.atomic_write import atomic_folder as atomic_folder
    from outage_analysis.files.atomic_write import recover_interrupted as recover_interrupted
    from outage_analysis.files.atomic_write import temporary_folder as temporary_folder
    from outage_analysis.files.data_folder import Day as Day
    from outage_analysis.files.data_folder import Document as Document
    from outage_analysis.files.data_folder import Identifier as Identifier
    from outage_analysis.files.data_folder import Kind as Kind
    from outage_analysis.files.data_folder import Name as Name
    from outage_analysis.files.data_folder import NamedDocument as NamedDocument
    from outage_analysis.files.data_folder import OptionalText as OptionalText
    from outage_analysis.files.data_folder import Text as Text
    from outage_analysis.files.data_folder import Unit as Unit
    from outage_analysis.files.data_folder import bundled_claims as bundled_claims
    from outage_analysis.files.data_folder import bundled_ids as bundled_ids
    from outage_analysis.files.data_folder import data_root as data_root
    from outage_analysis.files.data_folder import document_path as document_path
    from outage_analysis.files.data_folder import is_file as is_file
    from outage_analysis.files.data_folder import likely_typo_of as likely_typo_of
    from outage_analysis.files.data_folder import listed_names as listed_names
    from outage_analysis.files.data_folder import notebooks_root as notebooks_root
    from outage_analysis.files.data_folder import package_root as package_root
    from outage_analysis.files.data_folder import spelling_hint as spelling_hint
    from outage_analysis.files.documents import changed_copy as changed_copy
    from outage_analysis.files.documents import document_text as document_text
    from outage_analysis.files.documents import find_duplicate as find_duplicate
    from outage_analysis.files.documents import parse_document as parse_document
    from outage_analysis.files.documents import read_document as read_document
    from outage_analysis.files.documents import toml_value as toml_value
    from outage_analysis.files.documents import validated_copy as validated_copy

__getattr__, __dir__ = lazy_exports(__name__, __file__)
