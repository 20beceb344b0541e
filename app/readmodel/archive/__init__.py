"""Matched pairs of closed days that have left the database for files."""
