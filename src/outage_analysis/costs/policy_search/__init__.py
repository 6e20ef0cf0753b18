"""Policy search: a policy and a budget go in; the policy that gives claimants most within it comes out.

Modules:
    parameters: what varies: payments, upper edges and shares of loss bands
    candidate_grid: the values that are tried, and all their combinations
    loss_intervals: losses that each candidate pays by one formula
    candidate_costs: expected costs, and totals of all candidates from one set of draws
    candidate_benefits: what claimants get under each candidate
    constraints: which candidates are allowed besides the budget
    search_inputs: what a search is computed from
    varied_claims: the claims of the varied lines by interval
    search_tables: the chosen policy beside the announced and named ones, and the frontier
    shared_draws: accepted claims, losses and awards by interval in all draws
    frontier: candidates that no other candidate dominates
    budget_search: the search for the best candidate within a budget
    solve: `find_best_policy`, its result, and the policy with the values of a candidate
    page_search: the fixed payments that a web page can search, with their limits
"""
