"""Webhooks by the Standard Webhooks convention: what happened, sent to the bank's own systems."""
