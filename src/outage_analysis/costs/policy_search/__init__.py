"""Policy search: a policy and a budget go in; the policy that gives claimants most within it comes out.

Modules:
    parameters: what varies (payments, upper edges and shares of loss bands), and the values that are tried
    candidates: what all candidates pay, what they cost in each draw and on average, and what claimants get
    solve: the best candidate within a budget, and the frontier
"""
