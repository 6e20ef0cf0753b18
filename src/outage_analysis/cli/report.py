"""The commands that write, print and verify a report, and those that support a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from outage_analysis import analysis, costs, files, incidents, reports, text
from outage_analysis.cli.console import (
    BUNDLED,
    TIERS,
    Json,
    Language,
    Output,
    PlanOptions,
    Policy,
    Progress,
    expand_options,
    parse_amount,
    parse_money,
    parse_pairs,
    print_json,
    print_line,
    print_text,
    print_warnings,
    progress,
)
from outage_analysis.errors import ModelRefused, UsageError, VerificationFailed, one_line

commands = typer.Typer()
decisions = typer.Typer()


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
    out: Annotated[Path, "Folder to write."] = Path("build/report"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing report.")] = False,
    as_json: Json = False,
) -> None:
    """Write a report on the cost in all formats, with a manifest and checksums that `verify` checks.

    The report folder is written completely or not at all. The command prints the answer in up to three lines
    and then the paths of the files and folders. The last line on stdout is the path of the report page.

    Examples:
        outage-analysis report --as-of 2022-12-30 --out build/report

        outage-analysis report --lang ko --formats html,csv
    """
    chosen = tuple(reports.FORMATS) if formats is None else tuple(name.strip() for name in formats.split(","))
    exact = {
        name: float(
            parse_amount(value.removesuffix("%"), f"--set {name}") / (100 if value.endswith("%") else 1)
        )
        for name, value in parse_pairs(changes or (), "--set", "cash.tier1=20000").items()
    }
    plan = options.plan(hindsight=hindsight, compare=compare or (), changes=exact)
    reports.check_output_options(out, lang=lang, force=force, formats=chosen)
    with progress(lang) as step:
        run = analysis.run(plan, progress=step)
        run.check_budget_has_cash()
        step(text.Note("step_writing_the_report"))
        page = reports.write_report(run, out, lang=lang, force=force, formats=chosen)
    print_warnings(run.warnings(lang))
    locale, folder = run.locale(lang), page.parent
    told = analysis.cost_sentences(run, locale)
    written = [*reports.read_manifest(folder).outputs]
    if as_json:
        files = [str(folder / name) for name in (*written, "manifest.json", "SHA256SUMS")]
        print_json({"answer": told, "report": str(page), "manifest": files[-2], "files": files})
        return
    for sentence in told:
        print_text(sentence)
    parts = (name.partition("/")[:2] for name in written)
    tops = dict.fromkeys(f"{folder / top}{separator}" for top, separator in parts)
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

    def run_with_cash(step: Progress) -> analysis.Analysis:
        run = options.run(step)
        run.check_budget_has_cash()
        return run

    output.emit(run_with_cash)


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
    print_text(locale(f"terminal.verify_{'rebuilt' if result.rebuilt else 'intact'}", count=result.files))
    for note in result.notes:
        print_text(locale("terminal.verify_note", note=one_line(locale.note(note))))
    if result.max_rejects is not None:
        print_text(locale("terminal.verify_stated", percent=f"{100 * result.max_rejects:g}"))


Run = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a report, or id or path of a ledger.")]


@decisions.command()
@expand_options()
def sensitivity(
    options: PlanOptions,
    *,
    exceeds: Annotated[
        str | None, "An amount in whole currency: what must be true for the cash to exceed it?"
    ] = None,
    output: Output,
) -> None:
    """Print which inputs the cost depends on most, and what must be true for it to exceed an amount.

    With --budget, the command prints what it is worth to know each input before
    deciding between the policy and the budget. Examples:

        outage-analysis sensitivity --exceeds 500_000_000
        outage-analysis sensitivity --budget 300_000_000
    """
    limit = None if exceeds is None else parse_money(exceeds, "--exceeds")
    output.emit(lambda step: options.run(step).sensitivity(limit))


@decisions.command()
@expand_options("policy", "budget", *TIERS)
def compare(
    policies: Annotated[
        list[str], typer.Argument(metavar="POLICY POLICY ...", help="Bundled ids, or paths to TOML files.")
    ],
    *,
    options: PlanOptions,
    output: Output,
) -> None:
    """Compare policies by what they cost and by what people get, on the same draws of the uncertain inputs.

    The output says which policy costs least, which gives people most, which policies are dominated, and which
    input to find out first. The costs are computed from published counts, or from --claims or --counts. The
    default ledger is the latest ledger of the incident on the as-of day. Example:

        outage-analysis compare kakao-candidate-cash kakao-candidate-voucher --as-of 2022-10-24
    """
    output.emit(
        lambda _: analysis.compare_policies(options.plan(compared=policies), policies),
        text.Note("step_comparing_the_policies"),
    )


@decisions.command()
@expand_options(options=("draws", "seed", "level"))
def backtest(
    case: Annotated[str, typer.Argument(help="Bundled id, or path to a back-test's TOML file.")] = BUNDLED,
    *,
    options: PlanOptions,
    output: Output,
) -> None:
    """Compare a forecast from a ledger with the actual outcome, with naive forecasts and with the press.

    By default, the command tests the bundled case, the Kakao outage. One case with a few outcomes is an
    illustration, not a validation. Example:

        outage-analysis backtest
    """
    plan = options.plan()
    spec = incidents.load_backtest_spec(case)
    output.emit(
        lambda _: costs.backtesting.backtest(spec, draws=plan.draws, seed=plan.seed, level=plan.level),
        text.Note("step_forecasting_from_what_was_public"),
    )


@decisions.command()
@expand_options()
def bridge(
    first: Run,
    second: Run,
    *,
    incident: Annotated[str, "Bundled id, or path to an incident's TOML file."] = BUNDLED,
    policy: Policy = None,
    output: Output,
) -> None:
    """Explain why the expected cost and its range changed from one run to a later one, from published counts.

    A run is the folder of a report, or a ledger. A ledger is combined with --policy, as of the day of the
    ledger. The change is divided into: new data, assumptions, policy, payments that became known, and the
    version of this program. P50, P75 and P90 of the total are printed for both runs.

    Example:
        outage-analysis bridge kakao-2022 kakao-2023-06-30
    """
    (start, recorded), (end, _) = (reports.bridge_side(run, incident, policy) for run in (first, second))
    compared = {side.ledger.incident for side in (start, end) if side.ledger}
    if len(compared) > 1:
        raise UsageError(
            "the two runs are of two incidents",
            value=", ".join(sorted(compared)),
            remedy="Name two runs of one incident.",
        )
    table = costs.sensitivity.bridge(start, end, recorded=recorded, draws=costs.DRAWS)
    locale, schema = start.policy.locale(output.lang), text.schema_of("documents.bridge")
    title, rows = locale("terminal.bridge", currency=locale.currency), schema.whole(table, locale.places)
    values = {"currency": locale.currency, "minor_units": start.policy.digits, "bridge": rows.to_dicts()}
    output.print(values, text.Answer(locale, tables=[text.ShownTable(title, table, schema)]))


@decisions.command()
@expand_options()
def scenarios(
    options: PlanOptions,
    *,
    document: Annotated[
        str, typer.Option("--scenarios", help="Bundled id, or path to the TOML file of your own scenarios.")
    ] = "stresses",
    output: Output,
) -> None:
    """Print the cash under named stresses: expected cost, range, and chance of exceeding the budget.

    Each scenario changes one or more things, such as what claimants must do, and is computed on the same
    random draws as the run itself. A scenario that the inputs do not support has no figures and says why.

    Example:
        outage-analysis scenarios --budget 300_000_000
    """
    stresses = costs.sensitivity.load_scenarios(document)
    output.emit(lambda step: analysis.scenarios(options.run(step), stresses))


@decisions.command()
@expand_options("budget")
def reserve(
    options: PlanOptions,
    *,
    measure: Annotated[str, "Measure of the reserve: mean, median, P75 or P90."] = "mean",
    handling: Annotated[
        str, "Whether the cost of working through the claims is inside or outside the reserve."
    ] = "outside",
    output: Output,
) -> None:
    """Print the reserve: one amount with its measure and its scope.

    The reserve includes the cost lines with an obligation that have an expected cost. Quantiles of cash and
    handling together come from sums of single draws. The mean is the best estimate of the accounting page.

    Example:
        outage-analysis reserve --measure P75 --handling inside
    """
    analysis.parse_measure(measure)  # an unknown measure is refused before anything is computed
    output.emit(lambda step: analysis.reserve(options.run(step), measure, handling))


@decisions.command()
@expand_options("budget")
def solve(
    options: PlanOptions,
    *,
    largest_cost: Annotated[
        str,
        typer.Option("--budget", help="The largest cost in whole currency: 400M, 1.5B, 4억 or 400_000_000."),
    ],
    vary: Annotated[
        list[str],
        "What varies: LINE.tier1 is the payment of the first loss band of a cost line; "
        "=LOW..HIGH/STEP sets the values. Separate several by commas, or repeat the option.",
    ],
    at: Annotated[str, "The percentile of the cost that the budget limits, P50 to P99; or expected."] = "P90",
    step: Annotated[str | None, "Step between the payments that are tried, in whole currency."] = None,
    objective: Annotated[
        str | None,
        "What people get: replaced (share of the losses) or per_claim (mean payment per accepted claim). By "
        "default replaced with claims, per_claim without.",
    ] = None,
    compare: Annotated[
        list[str] | None, "A further policy to show beside the frontier; repeat for more."
    ] = None,
    write: Annotated[Path | None, "Write the solution as a policy's TOML file with this name."] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    output: Output,
) -> None:
    """Find the payments that give people most within a budget, and what costs no more for the same.

    All combinations of the varied values are tried on the same random draws. Payments never fall as the loss
    grows. If no combination keeps the budget, the command prints the nearest and exits with code 5. Example:

        outage-analysis solve --budget 520M --at P90 --vary small-business-cash.tier1,tier2 --step 10_000
    """
    if write is not None and write.suffix != ".toml":
        raise UsageError("is not named .toml", file=write, remedy="Choose another name for --write.")
    if write is not None and write.exists() and not force:
        raise UsageError("exists already", file=write, remedy="Choose another name, or give --force.")
    plan = options.plan(compare=compare or ())
    found = output.emit(
        lambda _: analysis.solve(
            plan,
            vary=vary,
            budget=parse_money(largest_cost),
            at=at,
            step=None if step is None else parse_amount(step, "--step"),
            objective=objective,
        ),
        text.Note("step_searching_for_the_best_policy"),
    )
    if not found.is_feasible:
        raise ModelRefused(
            "no policy that was tried keeps the budget", remedy="Raise the budget, or lower --at."
        )
    if write is not None:
        with files.atomic_file(write, parents=True) as file:
            file.write_text(files.document_text(found.policy), "utf-8", newline="\n")
        if not output.as_json:
            print_text(found.locale(output.lang)("solve.written", file=str(write)))
