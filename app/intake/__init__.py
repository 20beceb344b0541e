"""Feeds: readers, validation, quarantine, and the tables of what was received."""
