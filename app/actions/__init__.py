"""Every act of a bank: what its keys sign, and the checks before.

An act is one function of one shape: what is asked (a small frozen dataclass), this bank's view to
check it against, a contract, and the key that signs; it returns `Done`. See `app.actions.act`.
"""
