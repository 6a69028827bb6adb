"""Reconciliation: two members leave with the same log, at a cost that follows the difference."""
