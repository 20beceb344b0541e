"""The proof bundle: a report with the chain's own bytes, from which anyone recomputes it alone."""
