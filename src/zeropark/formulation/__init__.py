"""The park as arrays for the solver: blocks, rules, balances, elastic limits, duals and plans.

This room knows no asset by name. A rule that holds for one kind of thing stands in that asset's
file; what holds for any thing (a balance, the objective, the horizon) stands here.
"""
