"""The treasury page: each node's view of its reserve accounts and breaks, moving with the chain."""
