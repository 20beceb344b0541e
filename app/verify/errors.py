"""What a check of a node's answers finds."""


class Unverified(ValueError):
    """An answer that the chain's validators do not vouch for; the message says why, in words."""
