"""A consortium in containers: Besu validators, each bank's node and proxy, database, monitoring."""
