"""Signing in by OpenID Connect: a bank's provider says who somebody is and in which groups."""
