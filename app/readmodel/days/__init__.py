"""Closed days: the statements that the two banks of an account sign."""
