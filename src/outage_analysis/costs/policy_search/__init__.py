"""Policy search: a policy and a budget go in; the policy that gives claimants most within it comes out.

Modules:
    parameters: what varies (payments, upper edges and shares of loss bands), and the values that are tried
    varied_lines: what all candidates pay, by interval of losses
    candidate_costs: what all candidates cost, in each draw and on average
    benefits: what claimants get under each candidate
    solve: the best candidate within a budget, and the frontier
    page_search: the fixed payments that a web page can search, with their limits
"""
