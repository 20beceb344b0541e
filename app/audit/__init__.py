"""The audit trail: who did what, one row each, each with the hash of the one before."""
