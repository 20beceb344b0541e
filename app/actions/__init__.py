"""Every act of a bank: what its keys sign, and the checks before."""
