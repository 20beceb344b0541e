"""What can be wrong with a key file."""

from app.domain.errors import ConfigFault


class KeyUnusable(ConfigFault):
    """A key file cannot be used; the message says why and what to do. Never holds key material."""
