"""The `Plan` of an analysis, its documents and claims, and what every result about an incident has in common.

Inside, the tables of a result have amounts in the smallest unit of the currency, and loss bands are exact.
Wherever a table leaves a result (as a frame, a file, JSON, or printed), `TableSchema.whole` has converted it
to whole currency. The decimals are those of a `Locale`: of an incident, a policy or a ledger.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Unpack, cast

import polars as pl

from outage_analysis import costs, losses, text
from outage_analysis.arguments import lists_arguments
from outage_analysis.assumptions import Ledger, bundled_ledger, example_warning, load_ledger, reference_ledger
from outage_analysis.claims import MAX_REJECTS, Claims, DataFrame, OutageFacts, Sources, read_claims
from outage_analysis.costs import DRAWS, SEED
from outage_analysis.errors import ModelRefused, UsageError, either
from outage_analysis.files import atomic_folder, bundled_claims, bundled_ids, document_text, spelling_hint
from outage_analysis.incidents import Bands, Incident, Layout, load_incident, load_layout, with_encoding
from outage_analysis.losses import Cube, build_cube, cost_bands, cube_of, dimension_labels
from outage_analysis.policies import (
    Amount,
    Policy,
    TierPayments,
    check_same_units,
    decimal_places,
    load_policy,
    policy_from_tiers,
    policy_names,
)

DEFAULT_INCIDENT = "kakao-2022"
"""The incident of a plan that names none."""
OPENINGS = {
    "incident": "What failed, when and for whom, and how the complaint files write it.",
    "policy": "What is promised to whom. Amounts are whole numbers in the smallest unit of the currency.",
    "ledger": "Every uncertain input. Replace rates of comparable schemes by your own when you have them.",
}
"""Name of a document -> the comment at its beginning."""


@dataclass(frozen=True)
class Plan:
    """What to analyse. A document is a bundled id, the path of a TOML file, or the document itself.

    Args:
        incident: the outage.
        policy: the compensation policy; by default the bundled policy with the incident's id.
        ledger: the assumptions; by default the bundled ledger with the incident's id or, if `as_of` is set,
            the incident's latest bundled ledger by that day.
        claims: complaint files, folders or patterns, or one warehouse file; or the claims that `read_claims`
            returned for this incident. By default the bundled synthetic file of the incident, if there is
            one.
        columns: layouts of files whose columns differ from those that the incident states.
        counts: totals to use instead of claims: a CSV by service, claimant type and band, a cube, or the file
            that `save_cube` wrote.
        as_of: use only facts that were public by this day and claims filed by it. By default the day of the
            ledger. Without a ledger, the day on which all dated lines of the policy are public and the claims
            window has ended.
        max_rejects: the largest acceptable share of rejected rows.
        hindsight: whether to show facts that became public after `as_of`, in separate tables.
        compare: other policies to compare with, on the same draws and published counts.
        title: the name of the outage for readers; by default that of the incident.
        rows: what a row of the claims or totals is: `complaints`, `filed` (claims) or `accepted` (claims); by
            default what the incident says.
        budget: an amount of cash in whole currency; results then include the chance of exceeding it.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the draws; the same seed gives the same results.
        level: the probability of the likely range in percent, from 50 to 98: 80 for P10 to P90, 90 for P5 to
            P95.
        changes: values to use instead of those of the documents, known exactly: payments by name, such as
            `cash.tier1`, in whole currency, and assumptions by id, as `Ledger.with_value` takes them.

    Raises:
        UsageError: the level is no whole number from 50 to 98, or the budget no whole number above 0.
    """

    incident: str | Path | Incident = DEFAULT_INCIDENT
    policy: str | Path | Policy | None = None
    ledger: str | Path | Ledger | None = None
    claims: tuple[str | Path, ...] | Claims | None = None
    columns: tuple[str | Path | Layout, ...] = ()
    counts: str | Path | Cube | None = None
    as_of: date | None = None
    max_rejects: float = MAX_REJECTS
    hindsight: bool = True
    compare: tuple[str | Path | Policy, ...] = ()
    title: str = ""
    rows: str | None = None
    budget: int | None = None
    draws: int = DRAWS
    seed: int = SEED
    level: int = text.DEFAULT_LEVEL
    changes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise an error if the level of the likely range is not supported, or the budget is no amount."""
        text.LikelyRange(self.level)
        if self.budget is not None and (type(self.budget) is not int or self.budget <= 0):
            problem = "a budget is a whole number above 0, in whole currency"
            raise UsageError(problem, value=str(self.budget), remedy="Write it as 300_000_000.")

    @property
    def has_own_counts(self) -> bool:
        """Whether the plan names claims or totals, so that the bundled claims are not used."""
        return isinstance(self.claims, Claims) or bool(self.claims or self.counts)


@dataclass(frozen=True, repr=False)
class IncidentResult(text.Displayable, text.Result):
    """A result for one incident as of one day. Notebooks show its answer as a card."""

    plan: Plan
    """The plan, whose policy is not always one of the policies."""
    incident: Incident
    policies: tuple[Policy, ...]
    """The policies that the result is about, the most important first."""
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    """The claims that the costs are computed from; None if they come from counts."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: everything except the rows of the claims."""
        claims = self.claims.without_rows() if self.claims else None
        own = {} if claims is None else {"claims": claims, "plan": replace(self.plan, claims=claims)}
        return {**self.__dict__, **own}

    @property
    @abstractmethod
    def used_assumptions(self) -> frozenset[str]:
        """The ids of the assumptions that the figures depend on."""

    @property
    @abstractmethod
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""

    @property
    def policy(self) -> Policy:
        """The policy of the result; for `solve`, the one within the budget or, if none, the closest."""
        return self.policies[0]

    def names(self, lang: str) -> dict[str, str]:
        """Display names by id, for services, cost lines, assumptions and policies.

        If two policies have the same name, the id is appended. A line may have the id of the only policy.
        """
        entries = self.ledger.assumptions if self.ledger else ()
        items = (*entries, *(line for policy in reversed(self.policies) for line in policy.lines))
        named = self.incident.display_names(lang) | {item.id: item.name[lang] for item in items}
        of_policies = policy_names(self.policies, lang)
        return named | of_policies if len(self.policies) > 1 else of_policies | named

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis."""
        return self.ledger.as_known_on(self.as_of) if self.ledger else None

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis, with only the assumptions that a result uses."""
        known = self.known_ledger
        return known.with_only(self.used_assumptions) if known else None

    def whole(self, table: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return a table that tables.csv names so, with amounts in whole currency."""
        return text.schema_of(name).whole(table, self.incident.locale("en").places)

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as plain values, such as incident, ledger, as-of day, draws and seed."""
        used = self.used_ledger
        return {
            "incident": self.incident.id,
            "ledger": self.ledger.id if self.ledger else None,
            "as_of": self.as_of,
            "currency": self.incident.currency,
            "minor_units": self.incident.minor_units,
            "synthetic_claims": self.synthetic,
            "draws": self.plan.draws,
            "seed": self.plan.seed,
            "level": self.plan.level,
            **({"examples": used.examples} if used and used.examples else {}),
        }

    def warnings(self, lang: str) -> list[str]:
        """Return sentences on rejected rows, and on assumptions that are only examples."""
        return input_warnings(self.claims, self.used_ledger, lang)

    def card(self, lang: str = "en") -> text.Card:
        """Return the summary for notebooks: inputs, the answer in sentences, and its first tables."""
        answer = self.answer(lang)
        locale, policies = answer.locale, "; ".join(policy.name[lang] for policy in self.policies)
        lines = [
            locale("report.kicker", day=locale.day(self.as_of)),
            locale("report.policy", policy=policies),
            *([locale("card.synthetic")] if self.synthetic else []),
            *filter(None, [example_warning(self.used_ledger, locale)]),
        ]
        return text.answer_card(self.incident.name[lang], lines, answer)


def input_warnings(claims: Claims | None, ledger: Ledger | None, lang: str) -> list[str]:
    """Return sentences that say how many rows were rejected, and how many assumptions are only examples.

    For files without an incident of their own, the first reject is explained.
    """
    locale, found = text.Locale(lang), list[str]()
    if claims and (rejects := int(claims.files["rejects"].sum())):
        counts, key = {"rejects": f"{rejects:,}", "rows": f"{rejects + len(claims):,}"}, "terminal.rejects"
        if claims.incident.window == "observed":
            key, first = "terminal.rejects_observed", claims.rejected_rows.row(0, named=True)
            counts["first"] = losses.reject_sentence(claims.incident, first, lang)
        found.append(locale(key, **counts))
    return [*found, *filter(None, [example_warning(ledger, locale)])]


def ledger_locale(ledger: Ledger) -> text.Locale | None:
    """Return the English locale with the currency of a ledger; None if the currency is unknown.

    The currency is known if the ledger states it or if its incident is bundled.
    """
    if ledger.currency:
        return text.Locale("en", ledger.currency, decimal_places(ledger.currency))
    return (
        load_incident(ledger.incident).locale("en") if ledger.incident in bundled_ids("incidents") else None
    )


class InputArguments(OutageFacts, total=False):
    """What `run`, `solve` and `scaffold` are told about the inputs beside the claims."""

    tiers: TierPayments | None
    effort: str | None
    unknown: Amount | None
    closes: str | date | None
    policy: str | Path | Policy | None
    ledger: str | Path | Ledger | None
    incident: str | Path | Incident | None
    as_of: str | date | None
    compare: str | Path | Policy | Sequence[str | Path | Policy] | None
    columns: str | Path | Layout | Sequence[str | Path | Layout] | Mapping[str, str] | None
    counts: str | Path | Cube | None
    rows: str | None
    title: str
    max_rejects: float
    hindsight: bool
    draws: int
    seed: int
    level: int
    changes: Mapping[str, float]


def make_plan(
    claims: Plan | Claims | Cube | Sources | None = None,
    *,
    budget: float | None = None,
    **arguments: Unpack[InputArguments],
) -> Plan:
    """Return a plan from documents, or from claims and tiers without any TOML document.

    The arguments are those of `run`; if `claims` is a plan, it is returned.

    Raises:
        UsageError: a document is invalid, arguments contradict each other, or the day is none.
        InputRefused: the files cannot be used.
    """
    if isinstance(claims, Plan):
        stated: dict[str, object] = {"budget": budget, **arguments}
        if names := sorted(name for name, value in stated.items() if value is not None):
            raise UsageError(
                "a plan states everything, so that other arguments have no effect",
                value=", ".join(names),
                remedy="Change the plan, or leave it out.",
            )
        return claims
    facts = {x: value for x, value in arguments.items() if x in OutageFacts.__annotations__}
    given: dict[str, Any] = {x: value for x, value in arguments.items() if x not in facts}
    tiers = given.pop("tiers", None)
    terms = {x: given.pop(x, None) for x in ("effort", "unknown", "closes")}
    if tiers is not None and given.get("policy") is not None:
        raise UsageError("policy and tiers are both given", remedy="Give one of them.")
    given["as_of"] = as_of = as_day(given.get("as_of"))
    # 3e8 is a usual way to write an amount; a plan refuses any other number.
    given["budget"] = int(budget) if isinstance(budget, float) and budget.is_integer() else budget
    incident, columns, compare = given.get("incident"), given.get("columns"), given.get("compare")
    if isinstance(claims, Cube):
        given["counts"], incident, claims = claims, incident or claims.incident, None
    if isinstance(columns, Mapping):
        facts["columns"], columns = columns, None
    layouts = (columns,) if isinstance(columns, str | Path | Layout) else tuple(columns or ())
    given["compare"] = (compare,) if isinstance(compare, str | Path | Policy) else tuple(compare or ())
    # Data frames are read now, because some can be read only once.
    read_now = incident is None or isinstance(claims, DataFrame)
    if read_now and claims is not None and not isinstance(claims, Claims):
        how = {"max_rejects": given.get("max_rejects", MAX_REJECTS), "rows": given.get("rows"), **facts}
        claims = read_claims(claims, incident, layouts=[load_layout(x) for x in layouts], **how)
        layouts = ()
    elif facts:
        encoding = cast("str | None", facts.pop("encoding", None))
        if facts:
            raise UsageError(
                "the claims or the incident state this already",
                value=", ".join(facts),
                remedy="Give these arguments with files and without an incident.",
            )
        layouts = with_encoding([load_layout(layout) for layout in layouts], encoding)
    if isinstance(claims, Claims):  # whoever read them has accepted their rejects
        given.setdefault("max_rejects", claims.max_rejects)
        incident = incident or claims.incident
    elif claims is not None:
        claims = (claims,) if isinstance(claims, str | Path) else tuple(cast("Sequence[str | Path]", claims))
    given["incident"] = loaded = load_incident(incident or DEFAULT_INCIDENT)
    if given.get("ledger") is None and (policy := given.get("policy")) is not None:
        rates = bundled_ledger(loaded.id, as_of) or _reference_rates(load_policy(policy), loaded, as_of)
        given["ledger"] = rates
    return _with_tiers(Plan(**given | {"claims": claims, "columns": layouts}), loaded, tiers, terms)


def _with_tiers(plan: Plan, incident: Incident, tiers: TierPayments | None, terms: dict[str, Any]) -> Plan:
    if tiers is None:
        for stated in (name for name, value in terms.items() if value is not None):
            raise UsageError(
                f"{either('', '--')}{stated} has no effect without tiers",
                remedy=either("Give tiers=..., or", "Give --tiers, or") + " state it in the policy.",
            )
        return plan
    terms |= {"effort": terms["effort"] or "form", "closes": as_day(terms["closes"], "closes")}
    policy = policy_from_tiers(tiers, incident, **terms)
    ledger = reference_ledger(policy, incident, as_of=plan.as_of) if plan.ledger is None else plan.ledger
    return replace(plan, policy=policy, ledger=ledger)


def _reference_rates(policy: Policy, incident: Incident, as_of: date | None) -> Ledger | None:
    day = as_of or last_day(policy, incident)  # the day of the ledger becomes the default day of the run
    known = all(line.effort_on(day) for line in policy.schedules)
    return reference_ledger(policy, incident, as_of=day) if known else None


def as_day(day: str | date | None, name: str = "as_of") -> date | None:
    """Return a day that is given as a date or as ISO text, such as 2022-12-30.

    Raises:
        UsageError: the text is no day.
    """
    if isinstance(day, datetime):
        return day.date()
    return None if day is None else text.parse_day(day, name)


def load_documents(plan: Plan) -> tuple[Incident, Policy, Ledger | None]:
    """Load the incident, the policy and the ledger of a plan.

    Raises:
        UsageError: a document is invalid, or documents do not fit together.
    """
    incident = load_incident(plan.incident).with_rows(plan.rows).titled(plan.title)
    if plan.policy is None and incident.id not in bundled_ids("policies"):
        raise UsageError(
            f"no bundled policy for {incident.id}",
            remedy=either(
                "Give one: policy=..., or its tiers: tiers=...",
                "Give one with --policy, or its tiers with --tiers.",
            ),
        )
    policy = load_policy(plan.policy or incident.id)
    ledger = bundled_ledger(incident.id, plan.as_of) if plan.policy is None else None
    ledger = ledger if plan.ledger is None else load_ledger(plan.ledger)
    file = Path(plan.ledger).name if isinstance(plan.ledger, str | Path) else None
    check_documents_fit(incident, policy, ledger, file=file)
    for name, value in plan.changes.items():
        if ".tier" in name:
            (tier,) = costs.policy_search.parse_parameters({name: None}, policy)
            edge = next(line for line in policy.schedules if line.id == tier.line).bands[tier.tier].up_to
            up_to = None if edge is None else edge / 10**policy.loss_digits
            policy = policy.with_tier(line=tier.line, up_to=up_to, pays=value)
        elif ledger is None:
            raise UsageError("there is no ledger, so no assumption can be set", value=name)
        else:
            ledger = ledger.with_value(name, value)
    return incident, policy, ledger


def load_inputs(plan: Plan) -> tuple[Incident, tuple[Policy, ...], Ledger | None, date]:
    """Load the incident, the policy and those to compare with, the ledger, and the day of the analysis.

    Raises:
        UsageError: a document is invalid, or documents do not fit together.
    """
    incident, policy, ledger = load_documents(plan)
    others = (replace(plan, policy=other, ledger=ledger, changes={}) for other in plan.compare)
    policies = (policy, *(load_documents(other)[1] for other in others))
    last = ledger.as_of if ledger else max(last_day(each, incident) for each in policies)
    return incident, policies, ledger, plan.as_of or last


def last_day(policy: Policy, incident: Incident) -> date:
    """Return the first day by which all cost lines with a date are announced and nobody can file any more."""
    days = [line.public_on for line in policy.lines if line.public_on]
    if not days:
        raise UsageError(f"no line of {policy.id} has a day", remedy="Give its lines their public_on.")
    return max(*days, incident.claims_to)


def check_documents_fit(
    incident: Incident, policy: Policy, ledger: Ledger | None, *, file: str | None = None
) -> None:
    """Check that a policy and a ledger fit the incident.

    Args:
        incident: the incident.
        policy: the policy.
        ledger: the ledger, if there is one.
        file: the name of the file of the ledger, for the error message.

    Raises:
        UsageError: units differ, the policy entitles a service, claimant type or dimension value that the
            incident does not have, a cost line has the id of a service or a claimant type, the ledger has
            another incident or currency, or one of the two cites a fact that states the outcome.
    """
    check_same_units(policy, incident)
    cited = [fact for line in policy.lines for fact in (*line.facts, *line.numeric_facts)]
    cited += [f for x in (ledger.assumptions if ledger else ()) for f in (*x.facts, *x.computed_from)]
    if own := [fact for fact in cited if fact.startswith(incident.own_facts)]:
        raise UsageError(
            "a published fact states the outcome of this outage, which a forecast must not use",
            value=own[0],
            remedy="Leave it out of the policy and the ledger.",
        )
    values: dict[str, list[str] | None] = {
        "service": [s.id for s in incident.services],
        "claimant_type": [c.id for c in incident.claimant_types],
        **{d.id: dimension_labels(d) if d.kind == "number" else None for d in incident.dimensions},
    }
    named = {item.id for item in (*incident.services, *incident.claimant_types)}
    if double := [line.id for line in policy.lines if line.id in named]:
        # Tables would show two things under one name.
        problem = "a cost line has the id of a service or a claimant type"
        raise UsageError(problem, value=double[0], remedy="Rename the line.")
    conditions = [(x.id, x.eligibility) for x in policy.lines]
    conditions += [(x.id, s.when) for x in policy.schedules for s in x.segments]
    for id_, dimension, entitled in ((id_, *each) for id_, when in conditions for each in when.items()):
        if dimension not in values:
            raise UsageError(f"the line {id_} depends on {dimension}, which no claim has")
        known = values[dimension]
        if known is not None and (unknown := [value for value in entitled if value not in known]):
            problem = f"the line {id_} entitles a {dimension} that the incident does not have"
            raise UsageError(problem, value=unknown[0], remedy=spelling_hint(unknown[0], known))
    if ledger and ledger.incident != incident.id:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {incident.id}",
            remedy="Give the incident's own ledger" + either(".", " with --ledger."),
        )
    if ledger and ledger.currency not in (None, incident.currency):
        raise UsageError(
            f"the ledger {ledger.id} counts in another currency than the incident {incident.id}, "
            f"which counts in {incident.currency}",
            file=file,
            column="currency",
            value=ledger.currency,
            remedy="Restate each sum of the ledger in the incident's currency, then its currency.",
        )


def check_one_stage(cubes: Iterable[Cube]) -> None:
    """Raise an error if claims, of which several policies are considered, have come to different stages.

    Raises:
        ModelRefused: they have, or they are refused or paid already.
    """
    for cube in cubes:
        if not cube.decision:
            continue
        decisions = {*cube.frame[cube.decision].fill_null(cube.first_decision)}
        if len(decisions) > 1 or decisions & {"refused", "paid"}:
            raise ModelRefused(
                "policies can only be compared for claims at one stage that are neither refused nor paid; "
                f"these are {', '.join(sorted(decisions))}",
                column=cube.decision,
                remedy=f'Keep the rows of one stage; in Python, claims.filter({cube.decision}="filed") does.',
            )


def load_cubes(
    plan: Plan,
    incident: Incident,
    policy: Policy,
    as_of: date,
    *,
    beside: Sequence[Policy] = (),
    cuts: Sequence[int] = (),
) -> tuple[Claims | None, dict[str, Cube]]:
    """Read the claims or totals of a plan and build cubes (claim counts by dimension and loss band).

    Claims filed after `as_of` are left out. Totals have no dates, so the user must make sure that totals
    include no claims filed after `as_of`.

    Args:
        plan: the plan.
        incident: the incident of the plan.
        policy: the policy as known on the day of the analysis.
        as_of: the day of the analysis.
        beside: policies to compare with. The cubes also have the dimensions and band edges of these policies,
            so that all policies pay for the same groups of claims.
        cuts: further losses at which a loss band ends; totals keep their own bands.

    Returns:
        The claims (None if there are none, or with totals), and the cubes by name: `cost`, and
        `claimants of <line>` for each line that pays per claimant.

    Raises:
        UsageError: the plan names both claims and counts.
        InputRefused: the claims cannot be used.
    """
    if plan.counts is not None:
        if plan.claims:
            raise UsageError("give claim files or counts, not both")
        return None, {"cost": cube_of(plan.counts, incident)}
    if isinstance(plan.claims, Claims):
        own = plan.claims.incident.with_rows(incident.rows).titled(plan.title)
        claims = replace(plan.claims, incident=own)
        if claims.incident != incident:
            raise UsageError(
                f"the claims were read for another definition of the incident {incident.id}",
                remedy="Use the incident of the claims: claims.incident.",
            )
        if plan.columns:
            raise UsageError("claims that are read already take no layouts", remedy="Give the files instead.")
        claims.check_reject_share(plan.max_rejects)
    else:
        bundled = bundled_claims(incident.id) if plan.claims is None else None
        paths = [bundled] if bundled else plan.claims
        if not paths:
            return None, {}
        layouts = [load_layout(layout) for layout in plan.columns]
        claims = read_claims(paths, incident, layouts=layouts, max_rejects=plan.max_rejects)
    claims.check_no_personal_data([d.id for d in incident.dimensions if d.kind == "text"])
    by_claimant = [line for line in policy.schedules if line.grain == "claimant"]
    if incident.decision and by_claimant:
        raise ModelRefused(
            f"the line {by_claimant[0].id} pays per claimant, and the rows say how far each claim has come",
            remedy='Set grain = "claim" in the line.',
        )
    if incident.decision and incident.paid and len(policy.schedules) > 1:
        raise ModelRefused(
            f"the policy {policy.id} has several lines that pay claims, and the files do not say which paid",
            remedy=f"Leave out the column {incident.paid}: then the policy says what a paid claim was paid.",
        )
    policies = (policy, *beside)
    lines = [line for each in policies for line in each.schedules]
    conditions = [x for line in lines for x in (line.eligibility, *(s.when for s in line.segments))]
    used = {dimension for condition in conditions for dimension in condition} - {"service", "claimant_type"}
    used |= {incident.decision} if incident.decision else set()
    bands = Bands.from_cuts(cost_bands(claims, policies).cuts, tuple(cuts))
    cube = partial(build_cube, claims, bands=bands, until=as_of)
    return claims, {
        "cost": cube(dimensions=("service", "claimant_type", *sorted(used))),
        **{f"claimants of {line.id}": cube(line=line) for line in by_claimant},
    }


@lists_arguments(InputArguments)
def scaffold(
    folder: str | Path,
    claims: Claims | Cube | Sources | None = None,
    *,
    budget: float | None = None,
    **arguments: Unpack[InputArguments],
) -> Path:
    """Write incident.toml, policy.toml and ledger.toml for the arguments of `run` into a new folder.

    An analysis with these documents gives the same figures as `run` with these arguments.

    Args:
        folder: a new or empty folder. It appears only after all files are written.
        claims: the claims or complaint files, as in `run`.
        budget: as in `run`; the documents do not state it.
        arguments: the other arguments of `run`, such as `tiers`.

    Returns:
        The absolute path of the folder.

    Raises:
        UsageError: the folder has files, or an argument is invalid.
        EnvironmentFailed: the folder cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place:
        ...     folder = scaffold(Path(place) / "mine", tiers={300_000: 30_000})
        ...     sorted(path.name for path in folder.iterdir())
        ['incident.toml', 'ledger.toml', 'policy.toml']
    """
    return write_documents(make_plan(claims, budget=budget, **arguments), folder)


def write_documents(plan: Plan, folder: str | Path) -> Path:
    """Write the TOML documents of a plan into a new folder; ledger.toml only if the plan has a ledger.

    Raises:
        UsageError: the folder has files, or a document is invalid.
        EnvironmentFailed: the folder cannot be written.
    """
    target = Path(folder).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError("is not empty", file=folder, remedy="Name a new folder; nothing is overwritten.")
    incident, policy, ledger = load_documents(plan)
    with atomic_folder(target) as part:
        for name, document in (("incident", incident), ("policy", policy), ("ledger", ledger)):
            if document is not None:
                page = f"# {OPENINGS[name]}\n{document_text(document)}"
                (part / f"{name}.toml").write_text(page, "utf-8", newline="\n")
    return target
