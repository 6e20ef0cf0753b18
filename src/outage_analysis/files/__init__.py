"""Files: paths go in; validated documents and atomically written files come out.

Modules:
    documents: where the folder data/ is; base classes of TOML documents; reads, changes and writes them
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
    from outage_analysis.files.documents import (
        MAX_NAME,
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
        changed_copy,
        data_root,
        document_text,
        is_file,
        likely_typo_of,
        listed_names,
        notebooks_root,
        package_root,
        parse_document,
        read_document,
        refuse_if,
        refuse_repeated,
        spelling_hint,
        toml_value,
        usage_errors,
        validated_copy,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
