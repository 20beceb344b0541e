"""Pairs of legs: what was posted, how it matched, and how breaks are resolved."""
