"""The outbox: batches of accepted events, posted exactly once."""
