"""Facilities: the terms that their parties agreed, versions, changes and pauses."""
