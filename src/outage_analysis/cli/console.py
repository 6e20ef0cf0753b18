"""The options that commands share, and how their results are printed."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, partial, wraps
from pathlib import Path
from typing import Annotated, TypeVar, cast, get_args

import typer

from outage_analysis import analysis, claims, costs, files, incidents, policies, text
from outage_analysis.errors import InputRefused, UsageError, one_line

BUNDLED = "kakao-2022"
"""The default incident."""
LEAST_DRAWS = 8_192
MOST_DRAWS = 2**20
"""More draws would need minutes of time and gigabytes of memory, without a visible gain in precision."""
MOST_MONEY_DIGITS = 17
"""Most digits of an amount that is given as an option."""

Currency = Annotated[
    str | None, "Without --incident, the currency of the files if they do not state it: KRW."
]
Incident = Annotated[
    str | None,
    "Bundled id, or path to an incident's TOML file. By default the incident that the files describe.",
]
Policy = Annotated[
    str | None, "Bundled id, or path to a policy's TOML file. By default the incident's policy."
]
Encoding = Annotated[
    str | None, "Encoding of text files, if it cannot be told from their bytes: cp1252, gbk, cp949."
]
Counts = Annotated[
    Path | None, "Totals instead of claims: a CSV file with service,claimant_type,band,claims."
]
AsOf = Annotated[
    str | None, "Use only what was public by this day (YYYY-MM-DD). By default the ledger's day."
]
Level = Annotated[str, "Probability of the intervals: 80% or 0.8."]
Dimensions = Annotated[
    str,
    "Dimensions, separated by commas: service, claimant_type, filed_on, filed_hour or one of the incident's.",
]


# An unknown language is refused before anything is computed.
Language = Annotated[
    str, typer.Option(help="Language: en or ko.", callback=lambda lang: text.Locale(lang).lang)
]
Recovery = Annotated[
    bool,
    typer.Option(
        "--recovery", help="Accept synthetic claims, to test whether the method recovers their source."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]


Progress = Callable[[str], None]
Shown = TypeVar("Shown", bound="text.Result")


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command prints its result."""

    lang: Language = "en"
    as_json: Json = False
    everything: Annotated[
        bool, typer.Option("--all", help="Print every table in full. By default, a terminal shows 40 lines.")
    ] = False

    def emit(self, compute: Callable[[Progress], Shown], step: text.Note | None = None) -> Shown:
        """Compute and print a result: its warnings on stderr, then JSON, or the answer with its tables.

        Args:
            compute: the computation; it is given the function that shows its further steps.
            step: the note on its first step.
        """
        with progress(self.lang, step) as name_step:
            result = compute(name_step)
        print_warnings(result.warnings(self.lang))
        if self.as_json:
            print_json(result.to_dict())
        else:
            self.print_answer(result.answer(self.lang))
        return result

    def print(self, values: object, answer: text.Answer) -> None:
        """Print a result that has no class of its own: its values as JSON, or its answer."""
        if self.as_json:
            print_json(values)
        else:
            self.print_answer(answer)

    def print_answer(self, answer: text.Answer) -> None:
        """Print the sentences of an answer, then its tables below their titles, and the notes below them.

        If stdout is a file or a pipe, each row is one line. A terminal shows a grid, without some columns if
        it is narrow, or a block of lines for each row. It shows the first lines; the last one counts what is
        left out.
        """
        locale, width, hidden = answer.locale, _terminal_width(), 0
        told = [*filter(None, [*answer.sentences, answer.option_note])]
        lines = [line for sentence in told for line in text_lines(sentence)]
        lines += [""] if told else []
        room = MOST_LINES if width and not self.everything else sys.maxsize
        for shown in answer.tables:
            if isinstance(shown, str):
                block = text_lines(shown)
                least = len(block)
            else:
                table = text.text_table(shown, answer)
                if width and not self.everything and not table.fits(width):
                    complete, table = table, text.text_table(shown, answer, narrow=True)
                    hidden += len(complete.heads) - len(table.heads)
                drawn = table.lines(width) if width else table.grid()
                block = [*(text.wrap_text(table.caption, width) if width else [table.caption]), *drawn, ""]
                least = min(len(block), LEAST_LINES)
            if len(lines) < room < len(lines) + least:
                room = len(lines)
            lines += block
        rest = {"lines": max(0, len(lines) - room), "columns": hidden}
        if more := [locale(f"terminal.hidden_{what}", count=f"{n:,}") for what, n in rest.items() if n]:
            lines[room:] = [locale("terminal.rest", more=", ".join(more))]
        print_line("\n".join(lines))


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The options that say how complaint files are read."""

    incident: Incident = None
    columns: Annotated[
        list[str] | None,
        "TOML file with the layout of some complaint files; repeat for more. `inspect` proposes one.",
    ] = None
    encoding: Encoding = None
    currency: Currency = None
    scale: Annotated[
        float | None,
        "Without --incident, how many units of currency a loss of 1 in the files stands for: 1000.",
    ] = None
    column: Annotated[
        list[str] | None,
        "Without --incident, a column that is not recognised: service=Product; repeat for more.",
    ] = None
    max_rejects: Annotated[str, "Stop if a larger share of the rows is rejected: 5% or 0.05."] = "5%"

    @property
    def layouts(self) -> tuple[incidents.Layout, ...]:
        """The layouts of --columns, with --encoding in them and for all other files."""
        loaded = [incidents.load_layout(layout) for layout in self.columns or ()]
        return incidents.with_encoding(loaded, self.encoding)

    @property
    def outage_facts(self) -> claims.OutageArguments:
        """What the options state about files without an incident, as arguments of `claims.read_claims`."""
        columns = parse_pairs(self.column or (), "--column", "service=Product")
        stated = {"currency": self.currency or None, "scale": self.scale, "columns": columns or None}
        return cast("claims.OutageArguments", {x: value for x, value in stated.items() if value is not None})

    def read_claims(self, files: Sequence[Path] | None, rows: str | None = None) -> claims.Claims:
        """Read complaint files with the layouts (TOML files that map columns) of --columns.

        Args:
            files: complaint files, folders or patterns; without any, the bundled file of the incident.
            rows: what a row of the files is, if it is stated.

        Raises:
            InputRefused: a file cannot be read, or more rows are rejected than --max-rejects allows.
        """
        is_store = any(path.suffix == claims.STORE_SUFFIX for path in files or ())
        try:
            return claims.read_claims(
                files or None,
                self.incident or (BUNDLED if is_store or not files else None),
                layouts=self.layouts,
                max_rejects=parse_share(self.max_rejects),
                rows=rows,
                **self.outage_facts,
            )
        except InputRefused as refusal:
            if is_store and self.incident is None:
                hint = f"It was read under the incident {BUNDLED}; name your own with --incident."
                refusal.remedy = f"{refusal.remedy} {hint}".lstrip()
            raise


TIERS = ("files", "tiers", "effort", "unknown", "closes", "currency", "scale", "column")
"""Options of a plan without TOML files; commands that compare several policies do not offer them."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions(ReadOptions):
    """The options that define a `Plan`: what to analyse, from which inputs, with how many random draws."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="Complaint files, folders or patterns, as with --claims."),
    ] = None
    tiers: Annotated[
        str | None,
        "A policy in short form, in whole currency: 300000:30000,500000:50000 pays 30,000 for "
        "losses up to 300,000 and 50,000 up to 500,000; *:80000 pays for all larger losses. Without a "
        "ledger, rates of filing and acceptance come from comparable schemes.",
    ] = None
    effort: Annotated[
        str | None,
        "With --tiers, what claimants must do: automatic, one_tap, form or documents. By default form.",
    ] = None
    unknown: Annotated[str | None, "With --tiers, the payment for a claim without a stated loss."] = None
    closes: Annotated[
        str | None,
        "With --tiers, the last day to claim (YYYY-MM-DD), if filing is still open: the cost then "
        "includes the claims still to come.",
    ] = None
    incident: Annotated[
        str | None,
        "Bundled id, or path to an incident's TOML file. By default kakao-2022; with files and --tiers "
        "or policies of your own, the incident that the files describe.",
    ] = None
    policy: Policy = None
    ledger: Annotated[
        str | None,
        "Bundled id, or path to a ledger's TOML file. By default the incident's ledger; with --policy, none.",
    ] = None
    claims: Annotated[
        list[Path] | None,
        "Complaint file, folder, pattern in quotes, or warehouse file; repeat for more. By default "
        "the bundled synthetic file.",
    ] = None
    counts: Counts = None
    title: Annotated[str, "Name of the outage in texts and reports. By default that of the incident."] = ""
    rows: Annotated[
        str | None,
        "What a row of the files is: complaints, filed (claims) or accepted (claims). By default what "
        "the incident says, else complaints. A column of decisions goes before.",
    ] = None
    as_of: AsOf = None
    budget: Annotated[
        str | None, "An amount in whole currency, such as 300_000_000: how likely does the cash exceed it?"
    ] = None
    draws: Annotated[
        int | None, "Number of draws of the uncertain inputs, a power of two. By default 16384."
    ] = None
    seed: Annotated[int | None, "Seed of the draws: the same seed gives the same digits."] = None
    level: Annotated[
        str | None, "Probability of the likely range in percent, 50 to 98; 90 for P5 to P95. By default 80."
    ] = None

    def plan(
        self,
        *,
        hindsight: bool = True,
        compare: Sequence[str] = (),
        compared: Sequence[str] = (),
        changes: Mapping[str, float] | None = None,
    ) -> analysis.Plan:
        """Return a `Plan` with the values of these options.

        If files come without --incident, and the policies are of one's own, the files describe the incident.
        `compared` are the policies of a command that has no --policy.

        Raises:
            UsageError: the value of an option cannot be parsed or is out of range.
        """
        given = tuple(self.files or self.claims or ()) or None
        if self.files and self.claims:
            raise UsageError("files are given both as arguments and with --claims", remedy="Use one way.")
        if self.tiers is not None and self.policy is not None:
            raise UsageError("--policy and --tiers are both given", remedy="Give one of them.")
        described = self.incident is None and given is not None
        if described and self.tiers is None:  # a changed copy of a bundled policy has its id and its outage
            ids = {policies.load_policy(x).id for x in (*compared, *compare, self.policy) if x}
            described = bool(ids) and ids.isdisjoint(files.bundled_ids("policies"))
        if not described and self.outage_facts:
            raise UsageError("--currency, --scale and --column describe files without --incident")
        plan = analysis.make_plan(
            self.read_claims(given, self.rows) if described else given,
            incident=None if described else self.incident or BUNDLED,
            ledger=self.ledger,
            columns=() if described else self.layouts,
            counts=self.counts,
            title=self.title,
            rows=self.rows,
            as_of=analysis.as_day(self.as_of, "--as-of"),
            max_rejects=parse_share(self.max_rejects),
            hindsight=hindsight,
            compare=compare,
            budget=None if self.budget is None else parse_money(self.budget),
            # Enough draws for a P99, and no more than help the precision.
            draws=whole_number(self.draws, "--draws", LEAST_DRAWS, MOST_DRAWS, costs.DRAWS),
            seed=whole_number(self.seed, "--seed", 0, sys.maxsize, costs.SEED),
            level=whole_number(self.level, "--level", text.LEAST_LEVEL, text.MOST_LEVEL, text.DEFAULT_LEVEL),
            changes=changes or {},
            tiers=None if self.tiers is None else parse_tiers(self.tiers),
            effort=self.effort,
            unknown=None if self.unknown is None else parse_amount(self.unknown, "--unknown"),
            closes=analysis.as_day(self.closes, "--closes"),
        )
        return plan if self.policy is None else replace(plan, policy=self.policy)

    def run(self, progress: Progress) -> analysis.Analysis:
        """Run the analysis that these options define; `progress` is called with the name of each step."""
        return analysis.run(self.plan(), progress=progress)


signature = cache(partial(inspect.signature, eval_str=True))


def expand_options(
    *omitted: str, **offered: Collection[str]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command so that the fields of its option groups become command-line options.

    Typer derives the options from the signature of a command. The decorator changes this signature: the
    fields of a dataclass replace each parameter that is annotated with this dataclass, and a text in an
    annotation becomes the help text of the option.

    Args:
        omitted: names of fields that the command does not offer as options; they keep their defaults.
        offered: name of a parameter -> the only fields of its group that the command offers.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        groups: dict[str, tuple[type, list[str]]] = {}
        for parameter in signature(command).parameters.values():
            group, own = parameter.annotation, [parameter]
            if isinstance(group, type) and is_dataclass(group):
                fields = signature(group).parameters
                names = [x for x in offered.get(parameter.name, fields) if x not in omitted]
                groups[parameter.name], own = (group, names), [fields[name] for name in names]
            for each in own:
                kind, *about = get_args(each.annotation) or (None,)
                helped = about and isinstance(about[0], str)
                option = Annotated[kind, typer.Option(help=about[0])] if helped else each.annotation
                parameters.append(each.replace(annotation=option))

        @wraps(command)
        def run(**values: object) -> None:
            for name, (group, fields) in groups.items():
                values[name] = group(**{field: values.pop(field) for field in fields})
            command(**values)

        # Typer would otherwise evaluate the annotations of the original command, not the new signature.
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        )
        return run

    return decorate


def whole_number(value: str | int | None, option: str, least: int, most: int, default: int) -> int:
    """Return a whole number that the user gave, such as 90 or 90%, or the default.

    Raises:
        UsageError: the text is no whole number, or the number is outside its range.
    """
    if value is None:
        return default
    number = int(match[1]) if (match := re.fullmatch("([0-9]{1,18})%?", str(value))) else -1
    if not least <= number <= most:
        raise UsageError(
            f"{option} is outside its range",
            value=value,
            remedy=f"Take a whole number from {least:,} to {most:,}.",
        )
    return number


def refuse_unused(unused: Mapping[str, Mapping[str, object]]) -> None:
    """Raise an error if the user gave an option that has no effect here, such as --series with files.

    Args:
        unused: the context, such as "with files" -> the values of the options that have no meaning there.
    """
    given = [(name, context) for context, options in unused.items() for name, x in options.items() if x]
    if given:
        raise UsageError(" has no meaning ".join(given[0]), remedy="Leave it out.")


def parse_money(value: str, option: str = "--budget") -> int:
    """Parse a positive whole number of currency units, such as 300_000_000, 400M, 1.5bn or 4억.

    Raises:
        UsageError: the text is not such a number, or has more than 17 digits.
    """
    amount = _amount(value)
    if not amount or amount != int(amount):
        raise UsageError(
            f"{option} is no sum in whole currency", value=value, remedy="Write it as 300_000_000."
        )
    return int(amount)


def parse_amount(value: str, option: str) -> Decimal:
    """Parse an amount in whole currency, with decimals or a unit if necessary: 12.50, 30_000 or 400M.

    Raises:
        UsageError: the text is no amount.
    """
    if (amount := _amount(value)) is None:
        raise UsageError(f"{option} is no amount", value=value, remedy="Write it as 30_000 or 12.50.")
    return amount


def _amount(value: str) -> Decimal | None:
    digits = value.replace("_", "").replace(",", "").strip().casefold()
    match = re.fullmatch(rf"([0-9]+(?:\.[0-9]*)?)\s*({'|'.join(text.MONEY_UNITS)})?", digits)
    amount = Decimal(match[1]) * text.MONEY_UNITS.get(match[2] or "", 1) if match else None
    return amount if amount is not None and amount < 10**MOST_MONEY_DIGITS else None


def parse_tiers(value: str) -> dict[policies.Amount | None, policies.Amount]:
    """Parse tiers such as 300000:30000,500000:50000; the star in *:80000 stands for all larger losses.

    Raises:
        UsageError: the text is no list of tiers.
    """
    pairs = parse_pairs(value.split(","), "--tiers", "300000:30000,500000:50000", ":")
    edges = [None if up_to == "*" else parse_amount(up_to, "--tiers") for up_to in pairs]
    if len(set(edges)) < len(edges):
        raise UsageError("--tiers has two payments for one tier", value=value)
    return {edge: parse_amount(pays, "--tiers") for edge, pays in zip(edges, pairs.values(), strict=True)}


def parse_pairs(texts: Sequence[str], option: str, example: str, sign: str = "=") -> dict[str, str]:
    """Parse texts such as service=Product into a mapping from name to value.

    Raises:
        UsageError: a text has no sign between name and value or no name, or a name is given twice.
    """
    pairs: dict[str, str] = {}
    for given in texts:
        name, found, value = given.partition(sign)
        if not (name.strip() and found) or name.strip() in pairs:
            fault = "has no value" if not found else "is given twice for one name" if name else "has no name"
            raise UsageError(f"{option} {fault}", value=given, remedy=f"Write each once, as in {example}.")
        pairs[name.strip()] = value
    return pairs


def parse_share(value: str, option: str = "--max-rejects") -> float:
    """Parse a share such as 5% or 0.05.

    Raises:
        UsageError: the text is not a number between 0 and 1.
    """
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"{option} is not a share", value=value, remedy="Write it as 5% or 0.05.")
    return share


LONGEST_TEXT = 2_000
"""Most characters that are printed of a sentence or of a text from a TOML file."""
MOST_LINES = 39
"""Most lines of an answer on a terminal, unless the command is told to print everything."""
LEAST_LINES = 7
"""A table of which fewer lines fit is left out, and a sentence that does not fit as a whole."""


@contextmanager
def progress(lang: str = "en", step: text.Note | None = None) -> Iterator[Progress]:
    """Provide a function that shows the current step on stderr; it shows nothing outside a terminal.

    Args:
        lang: the language in which steps are shown.
        step: the note on the first step.
    """
    from rich.console import Console
    from rich.markup import escape

    locale = text.Locale(lang)
    console = Console(stderr=True)
    with console.status(locale.note(step or text.Note("step_starting"))) as status:

        def name_step(step: str) -> None:
            status.update(escape(locale.note(step)))

        yield name_step


def print_warnings(warnings: Iterable[str]) -> None:
    """Print sentences on stderr, where they disturb no program that reads the result."""
    sys.stderr.write("".join(f"{warning}\n" for warning in warnings))


def print_line(line: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(line + "\n")


def print_json(value: object) -> None:
    """Print a result as JSON with sorted keys. Infinite and undefined numbers become null."""
    finite = json.loads(json.dumps(value, default=_json_value), parse_constant=lambda _: None)
    printed = json.dumps(finite, ensure_ascii=False, sort_keys=True, indent=2)
    # Escape all non-printable characters, because an escape sequence from a file must not reach the terminal.
    # The JSON encoder escapes only some of them.
    print_line("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in printed))


def _json_value(value: date | Decimal) -> int | str:
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if value == value.to_integral_value() else str(value)


def text_lines(sentence: str) -> list[str]:
    """Return the lines of a sentence: on a terminal, broken between words and with its indentation."""
    line, width = one_line(sentence, LONGEST_TEXT), _terminal_width()
    if width is None:
        return [line]
    words = line.lstrip(" ")
    margin = " " * (len(line) - len(words))
    return [margin + part for part in text.wrap_text(words, width - len(margin))]


def print_text(sentence: str) -> None:
    """Print a sentence on stdout."""
    print_line("\n".join(text_lines(sentence)))


def _terminal_width() -> int | None:
    """Return the width of the terminal in characters; None if stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
