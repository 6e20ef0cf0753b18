"""The main commands: `report` writes a report on the cost, `cost` prints it, `verify` checks a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from outage_analysis import analysis, reports, text
from outage_analysis.cli.console import print_json, print_line, print_text, print_warnings, progress
from outage_analysis.cli.options import (
    Json,
    Language,
    Output,
    PlanOptions,
    expand_options,
    option_words,
    parse_amount,
    parse_pairs,
    suggest_command,
)
from outage_analysis.errors import UsageError, VerificationFailed, one_line

commands = typer.Typer()


@commands.command()
@expand_options()
def report(
    options: PlanOptions,
    *,
    hindsight: Annotated[bool, "Show in a separate section what came out after the as-of day."] = True,
    compare: Annotated[
        list[str] | None, "Another policy to compare on the same draws; repeat for more."
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A payment such as cash.tier1=20000, or an assumption such as as-filing-share=30%, known "
            "exactly; repeat for more. The page's Copy command writes these.",
        ),
    ] = None,
    lang: Language = "en",
    formats: Annotated[
        str | None, "Formats, separated by commas, such as html,pdf,xlsx. By default all."
    ] = None,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin CSV files with the byte order mark that Korean Excel needs.")
    ] = False,
    out: Annotated[Path, "Folder to write."] = Path("build/report"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing report.")] = False,
    as_json: Json = False,
) -> None:
    """Write a report on the cost in all formats, with a manifest and checksums that `verify` checks.

    The report folder is written completely or not at all. The command prints the answer in up to three lines
    and then the paths of the files and folders. The last line on stdout is the path of the report page.

    Examples:
        outage-analysis report --as-of 2022-12-30 --out build/report

        outage-analysis report --lang ko --formats html,csv --bom
    """
    chosen = tuple(reports.FORMATS) if formats is None else tuple(name.strip() for name in formats.split(","))
    pairs = parse_pairs(changes or (), "--set", "cash.tier1=20000").items()
    exact = {
        name: float(
            parse_amount(value.removesuffix("%"), f"--set {name}") / (100 if value.endswith("%") else 1)
        )
        for name, value in pairs
    }
    plan = replace(options.plan(hindsight=hindsight, compare=compare or ()), changes=exact)
    reports.check_output_options(out, lang=lang, force=force, formats=chosen)
    with progress(lang) as step:
        run = analysis.run(plan, progress=step)
        run.check_budget_has_cash()
        step(text.Note("step_writing_the_report"))
        page = reports.write_report(run, out, lang=lang, force=force, formats=chosen, bom=bom)
    print_warnings(run.warnings(lang))
    locale, folder = run.locale(lang), page.parent
    told = [*analysis.cost_sentences(run, locale), *analysis.narrowing_sentence(run, locale)]
    written = list(reports.read_manifest(folder).outputs)
    if as_json:
        files = [str(folder / name) for name in (*written, "manifest.json", "SHA256SUMS")]
        paths = {"report": str(page), "manifest": str(folder / "manifest.json"), "files": files}
        print_json({"answer": told, **paths})
        return
    for sentence in told:
        print_text(sentence)
    parts = dict.fromkeys(name.partition("/")[:2] for name in written)
    tops = [f"{folder / top}{separator}" for top, separator in parts]
    print_line("\n".join([*(path for path in tops if path != str(page)), str(page)]))


@commands.command()
@expand_options()
def cost(options: PlanOptions, *, output: Output) -> None:
    """Print the expected cost, its uncertainty, and the cost by cost line, service and loss band.

    The total is between P10 and P90 with a probability of 80 %; --level sets another probability. "Low" and
    "high" are the costs with every input at its stated lower or upper bound. Cash and the face value of free
    goods are never added. The cost is computed from claim files, or from totals alone. Examples:

        outage-analysis cost --budget 300_000_000

        outage-analysis cost --counts totals.csv --json
    """
    with progress(output.lang) as step:
        run = options.run(step)
    run.check_budget_has_cash()
    output.emit(run)
    if not output.as_json:
        suggest_command("report", *option_words(options), lang=output.lang)


@commands.command()
@expand_options()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that `report` wrote.")],
    *,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild/--integrity",
            help="Write the report again and compare every byte, or only compare checksums.",
        ),
    ] = True,
    claims: Annotated[
        list[Path] | None,
        "Complaint file that the report was made from, recognised by its content; repeat for more. "
        "Bundled files need not be named.",
    ] = None,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Verify a report: compare each file with its checksum, then write the report again and compare bytes.

    If a file differs, the command names the first one, with the line or byte, and the cause:
    environment, code, document, facts or data. Exit code 1 means that something differs. Example:

        outage-analysis verify build/report
    """
    locale = text.Locale(lang)
    if claims and not rebuild:
        raise UsageError("--claims is for a rebuild", remedy="Leave out --integrity.")
    try:
        with progress(lang) as step:
            result = reports.verify(folder, rebuild=rebuild, claims=claims or (), progress=step)
    except VerificationFailed as failure:
        if as_json:
            place = {"file": failure.file, "row": failure.row, "line": failure.line, "place": failure.column}
            print_json({"verified": False, **place, "problem": failure.problem})
        raise
    if as_json:
        told = {"files": result.files, "rebuilt": result.rebuilt, "notes": result.notes}
        print_json({"verified": True, **told, "stated": {"max_rejects": result.max_rejects}})
        return
    outcome = "terminal.verify_rebuilt" if result.rebuilt else "terminal.verify_intact"
    print_text(locale(outcome, count=result.files))
    for note in result.notes:
        print_text(locale("terminal.verify_note", note=one_line(locale.note(note))))
    if result.max_rejects is not None:
        print_text(locale("terminal.verify_stated", percent=f"{100 * result.max_rejects:g}"))
