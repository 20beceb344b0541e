"""Why nobody is signed in by OpenID Connect."""

from app.domain.errors import UsageFault


class ProviderUnavailable(UsageFault):
    """The provider does not answer, or not as OpenID Connect has it."""


class SignInRefused(UsageFault):
    """What came back from the provider signs nobody in."""


def unavailable(why: str) -> ProviderUnavailable:
    """With the way that is left."""
    return ProviderUnavailable(
        f"the bank's sign-in provider cannot be used now: {why}",
        remedy="Try again in some minutes; who has a password here signs in with it",
    )
