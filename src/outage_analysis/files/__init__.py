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
    from outage_analysis.files.atomic_write import (
        atomic_file,
        atomic_folder,
        recover_interrupted,
        temporary_folder,
    )
    from outage_analysis.files.data_folder import (
        Day,
        Document,
        Identifier,
        Kind,
        Name,
        NamedDocument,
        OptionalText,
        Text,
        Unit,
        bundled_claims,
        bundled_ids,
        data_root,
        document_path,
        is_file,
        likely_typo_of,
        listed_names,
        notebooks_root,
        package_root,
        refuse_if,
        refuse_repeated,
        spelling_hint,
    )
    from outage_analysis.files.documents import (
        changed_copy,
        document_text,
        parse_document,
        read_document,
        toml_value,
        validated_copy,
    )

__getattr__, __dir__ = lazy_exports(__name__, __file__)
