"""Compare what a reader read with the truth of a file, and add up many files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tests.contract.damaged_files.clean_table import Record
from tests.contract.damaged_files.damaged_file import DamagedFile


class WholeFileRefused(Exception):
    """A reader gives no row of a file; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What one reader made of one file."""

    reader: str
    file: str
    kind: str
    group: str
    half: str
    records: int
    """Records that can be read with certainty."""
    exact: int
    """Those of them that were read as they are."""
    wrong: int
    """Records that were read and are not in the truth: a wrong value, or a row that is none."""
    refused: bool
    rightly_refused: bool
    crashed: bool
    message: str
    """Why the file was refused, or the first record that is wrong, or the first rejected row."""
    cpu_seconds: float

    @property
    def share(self) -> float | None:
        """The share of records recovered exactly; None where there is none, or a refusal is right."""
        return self.exact / self.records if self.records and not self.rightly_refused else None


def scored(file: DamagedFile, read: Sequence[Record]) -> tuple[int, int, str]:
    """The number of exact and of wrong records, and the first wrong record in words."""
    same: Callable[[Record], Record] = (lambda r: r) if file.keyed else (lambda r: r.without_id)
    found, truth = Counter(map(same, read)), Counter(map(same, file.records))
    exact = found & truth
    rest = found - truth
    # In the id of a damaged row a stray quotation mark may be kept or removed.
    beyond = Counter(map(same, file.damaged))
    wrong: list[Record] = []
    for record in rest.elements():
        bare = replace(record, claim_id=record.claim_id.replace('"', ""))
        if beyond[bare] > 0:
            beyond[bare] -= 1
        else:
            wrong.append(record)
    first = f"read {in_words(min(wrong, key=str))}" if wrong else ""
    return exact.total(), len(wrong), first


def in_words(record: Record) -> str:
    """A record on one line."""
    return f"{record.claim_id!r} {record.service} {record.claimant_type} {record.filed_on} {record.loss}"


def outcome(
    reader: str, file: DamagedFile, read: Callable[[], Sequence[Record]], notes: Sequence[str] = ()
) -> Outcome:
    """Run a reader on a file; whatever it raises but `WholeFileRefused` is a crash.

    Args:
        reader: the name of the reader.
        file: the file.
        read: returns the records that the reader read.
        notes: a list into which `read` may write why rows were rejected.
    """
    refused = crashed = False
    message, records = "", []
    begun = time.process_time()
    try:
        records = list(read())
    except WholeFileRefused as why:
        refused, message = True, str(why)
    except KeyboardInterrupt:
        raise
    except BaseException as why:  # noqa: BLE001 - an engine's panic is no Exception
        crashed, message = True, f"{type(why).__name__}: {why}"
    seconds = time.process_time() - begun
    exact, wrong, first = scored(file, records)
    return Outcome(
        reader=reader,
        file=file.name,
        kind=file.kind,
        group=file.group,
        half=file.half,
        records=len(file.records),
        exact=exact,
        wrong=wrong,
        refused=refused and not file.may_refuse,
        rightly_refused=refused and file.may_refuse,
        crashed=crashed,
        message=message or first or next(iter(notes), ""),
        cpu_seconds=seconds,
    )


@dataclass(frozen=True)
class Summary:
    """Outcomes of one reader, added up."""

    files: int
    share: float
    """The mean over files of the share of records recovered exactly."""
    wrong_files: int
    wrong_records: int
    refusals: int
    crashes: int
    cpu_seconds: float


def summary(outcomes: Iterable[Outcome]) -> Summary:
    """Add up outcomes; the mean share is over the files that have one."""
    listed = list(outcomes)
    shares = [o.share for o in listed if o.share is not None]
    return Summary(
        files=len(listed),
        share=sum(shares) / len(shares) if shares else float("nan"),
        wrong_files=sum(o.wrong > 0 for o in listed),
        wrong_records=sum(o.wrong for o in listed),
        refusals=sum(o.refused for o in listed),
        crashes=sum(o.crashed for o in listed),
        cpu_seconds=sum(o.cpu_seconds for o in listed),
    )
