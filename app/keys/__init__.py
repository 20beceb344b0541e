"""A bank's keys: keystores, versions, sealing."""
