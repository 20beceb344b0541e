"""Mutants: contracts with one fault each, and whether the tests see it."""
