"""The consortium: members, keys, proposals, votes and validators."""
