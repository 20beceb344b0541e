"""HTTP without TLS, for clients of nodes on this machine."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. A client that is given none loads every authority of the world first, which takes
more time than most of what tests ask a node (`verify=NO_TLS`)."""
