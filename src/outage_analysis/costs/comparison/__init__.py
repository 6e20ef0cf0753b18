"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: `compare`, its result tables and summary sentence
    benefits: the share of the loss, the claims made whole and the largest shortfall under a policy
    row_payments: what a policy pays per accepted claim in each row of a cube
    payment_differences: differences of payments over the claims of a row, with their signs
    report_payments: what two policies pay for the reports behind one published count
    line_payments: what each line pays that has no loss bands
    winners_and_losers: who gets more, less or the same under another policy
    policy_benefits: what people get per policy in numbers, with ranks and dominated policies
    comparison_sentences: the comparison in sentences
    replaced_losses: the share of a loss that each policy pays
    shared_runs: the simulations of several policies with the same draws
"""
