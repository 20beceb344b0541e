"""`tally sign-out`: end the session that `tally sign-in` began."""

from app.cli.shared.node import session_file, signed_in


def sign_out() -> None:
    """End the session that `tally sign-in` began.

    Example:

      tally sign-out
    """
    with signed_in() as client:
        client.sign_out()
    session_file().unlink(missing_ok=True)
