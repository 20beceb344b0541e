"""Quarantined rows: seen, mended, read again in another encoding, and replayed."""
