"""REST: events in, books, legs, matches and breaks out, and this bank's keys to it."""
