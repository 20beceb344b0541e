"""What an endpoint answers is refused where it cannot be the chain's."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.chain.errors import NotVerified
from app.chain.rpc import Rpc
from app.verify.errors import Unverified


@contextmanager
def refused(rpc: Rpc) -> Iterator[None]:
    """What cannot be the chain's, or cannot even be read, is the endpoint's fault."""
    try:
        yield
    except Unverified as fault:
        raise NotVerified(str(fault), where=rpc.url) from None
    except (LookupError, TypeError, ValueError, AttributeError) as fault:
        raise NotVerified(f"it cannot be read ({fault!r})", where=rpc.url) from fault
