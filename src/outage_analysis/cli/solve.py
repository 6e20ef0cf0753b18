"""The command `solve`: the policy that gives claimants most within a budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outage_analysis.cli.console import (
    print_json,
    print_line,
    print_table,
    print_text,
    progress,
    warn_of_rejects,
)
from outage_analysis.cli.cost_output import origin, warn_of_examples
from outage_analysis.cli.option_values import parse_amount, parse_money
from outage_analysis.cli.options import Json, Language, PlanOptions, expand_options
from outage_analysis.errors import ModelRefused, UsageError, one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    from outage_analysis.analysis import BudgetSolution, Plan
    from outage_analysis.text import TableSchema

commands = typer.Typer()

LONGEST_SENTENCE = 1_000
"""Most characters of a sentence of the answer."""
FRONTIER_ROWS = 12
"""At most this many rows of the frontier are printed."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options that define what `solve` searches for."""

    largest_cost: Annotated[
        str,
        typer.Option("--budget", help="The largest cost in whole currency: 400M, 1.5B, 4억 or 400_000_000."),
    ]
    vary: Annotated[
        list[str],
        typer.Option(
            help="What varies: LINE.tier1 is the payment of the first loss band of a cost line, LINE.tier1."
            "up_to its upper edge, LINE.tier1.share the share of the loss that it pays; =LOW..HIGH/STEP sets "
            "the values. Separate several by commas, or repeat the option."
        ),
    ]
    at: Annotated[
        str, typer.Option(help="The percentile of the cost that the budget limits, P50 to P99; or expected.")
    ] = "P90"
    step: Annotated[
        str | None, typer.Option(help="Step between the payments that are tried, in whole currency.")
    ] = None
    objective: Annotated[
        str | None,
        typer.Option(
            help="What people get: replaced (share of the losses), made_whole (claims paid in full), "
            "shortfall (the smallest largest shortfall) or per_claim (mean payment per accepted claim). By "
            "default replaced with claims, per_claim without."
        ),
    ] = None
    max_cliff: Annotated[
        str | None,
        typer.Option(help="Largest jump of the payment at an edge of a loss band, in whole currency."),
    ] = None
    handling: Annotated[
        str, typer.Option(help="inside: the budget also pays for the handling of claims. Or outside.")
    ] = "outside"
    compare: Annotated[
        list[str] | None,
        typer.Option(help="A further policy to show beside the frontier; repeat for more."),
    ] = None

    def solve(self, plan: Plan) -> BudgetSolution:
        """Return the policy that gives people most within the budget.

        Raises:
            UsageError: the value of an option cannot be parsed.
        """
        from outage_analysis.analysis import solve_plan

        return solve_plan(
            plan,
            vary=self.vary,
            budget=parse_money(self.largest_cost),
            at=self.at,
            step=None if self.step is None else parse_amount(self.step, "--step"),
            objective=self.objective,
            max_cliff=None if self.max_cliff is None else parse_amount(self.max_cliff, "--max-cliff"),
            handling=self.handling,
        )


@commands.command()
@expand_options("budget")
def solve(
    options: PlanOptions,
    *,
    search: SearchOptions,
    write: Annotated[
        Path | None, typer.Option(help="Write the solution as a policy's TOML file with this name.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    lang: Language = "en",
    as_json: Json = False,
) -> None:
    """Find the payments that give people most within a budget, and what costs no more for the same.

    All combinations of the varied values are tried on the same random draws. Payments never fall as the loss
    grows. If no combination keeps the budget, the command prints the nearest and exits with code 5. Example:

        outage-analysis solve --budget 520M --at P90 --vary small-business-cash.tier1,tier2 --step 10_000
    """
    from outage_analysis.text import Locale

    Locale(lang)  # an unknown language is refused before anything is computed
    _check_output(write, force=force)
    plan = options.plan(compare=search.compare or ())
    with progress(lang) as step:
        step("searching for the best policy")
        found = search.solve(plan)
    warn_of_rejects(found.claims, lang)
    warn_of_examples(found, lang)
    if as_json:
        print_json(origin(found, plan) | _solution_as_json(found))
    else:
        _print_solution(found, lang)
    if not found.is_feasible:
        raise ModelRefused(
            "no policy that was tried satisfies all constraints",
            remedy="Raise the budget, lower --at, or relax a constraint.",
        )
    if write is not None:
        _write_policy(found, write, lang, quiet=as_json)


def _check_output(path: Path | None, *, force: bool) -> None:
    if path is None:
        return
    if path.suffix != ".toml":
        raise UsageError("is not named .toml", file=path, remedy="Choose another name for --write.")
    if path.exists() and not force:
        raise UsageError("exists already", file=path, remedy="Choose another name, or give --force.")


def _write_policy(found: BudgetSolution, path: Path, lang: str, *, quiet: bool) -> None:
    from outage_analysis.files import atomic_file, document_text

    with atomic_file(path, parents=True) as file:
        file.write_text(document_text(found.policy), "utf-8", newline="\n")
    if not quiet:
        print_text(found.locale(lang)("solve.written", file=str(path)))


def _solution_as_json(found: BudgetSolution) -> dict[str, Any]:
    search = found.search
    return {
        "policy": found.policy.id,
        "basis": found.basis,
        "feasible": found.is_feasible,
        "budget": search.request.budget,
        "at": search.quantile_mark if search.request.level is not None else "expected",
        "objective": search.tried.objective,
        "handling": "inside" if search.request.with_handling else "outside",
        "candidates": len(search.tried.values),
        "parameters": found.parameters,
        "budget_is_binding": search.is_limited if found.is_feasible else True,
        "excluded_by": list(search.excluded_by),
        "least_budget": search.least_budget,
        "solution": found.table.to_dicts(),
        "frontier": found.frontier.to_dicts(),
    }


def _print_solution(found: BudgetSolution, lang: str) -> None:
    from outage_analysis.analysis import table_schemas

    locale = found.locale(lang)
    for sentence in found.sentences(lang):
        print_text(one_line(sentence, LONGEST_SENTENCE))
    print_line("")
    prefix = locale("terminal.synthetic_prefix") if found.synthetic else ""
    values = {
        "currency": found.incident.currency,
        "basis": locale(f"word.{found.basis}"),
        "day": locale.day(found.as_of),
    }
    schemas = {name: _with_percentile(schema, found) for name, schema in table_schemas("solution").items()}
    mark = found.search.quantile_mark.lower()
    table = found.table.rename({"at_level": mark})
    table = table.drop(name for name in table.columns if table[name].null_count() == len(table))
    print_table(table, prefix + locale("solve.compared", **values), schemas["solution"], locale=locale)
    frontier = found.frontier.rename({"at_level": mark})
    frontier = frontier.select(name for name in frontier.columns if name in (*table.columns, mark))
    shown = _spread(len(frontier))
    title = prefix + locale("solve.frontier", **values)
    print_table(frontier[shown], title, schemas["frontier"], locale=locale)
    if len(shown) < len(frontier):
        print_text(locale("solve.more", rows=len(shown), count=f"{len(frontier):,}"))


def _with_percentile(schema: TableSchema, found: BudgetSolution) -> TableSchema:
    mark = found.search.quantile_mark.lower()
    if "at_level" not in schema:
        return schema
    column = replace(schema["at_level"], name=mark, label=mark)
    return replace(schema, columns=tuple(column if c.name == "at_level" else c for c in schema.columns))


def _spread(count: int) -> list[int]:
    if count <= FRONTIER_ROWS:
        return list(range(count))
    return [round(k * (count - 1) / (FRONTIER_ROWS - 1)) for k in range(FRONTIER_ROWS)]
