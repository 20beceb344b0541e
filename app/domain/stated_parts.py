"""By how much the parts that a lead states differ from the shares."""

from collections.abc import Mapping


def differences_from_shares(
    stated: Mapping[int, int], shares_bps: Mapping[int, int]
) -> dict[int, int]:
    """Of one event, by partner: its stated part less what its share is of all stated parts, rounded
    down (minor units).

    The whole event is stated nowhere, nor is the lead's rest: the parts can be held against each
    other alone. One partner's part by itself differs in nothing. A partner without a share is to
    have no part.
    """
    total = sum(stated.values())
    shares = sum(shares_bps[partner] for partner in stated)
    return {
        partner: amount - (total * shares_bps[partner] // shares if shares else 0)
        for partner, amount in stated.items()
    }
