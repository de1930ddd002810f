"""Counts of what requests cost, and their budgets."""
