"""Currencies of ISO 4217: those of today from the package `iso4217`, the withdrawn ones from here.

A loan outlives its currency's code: a facility whose history is in it can still be read.
"""

from iso4217 import Currency

_WITHDRAWN = {
    0: "ADP BEC BEF BEL BYB BYR ESA ESB ESP GRD ITL LUC LUF LUL MGF PTE TPE TRL",
    2: (
        "AFA ANG AOK AON AOR ARA ARP ATS AZM BAD BGL BGN BOP BRB BRC BRE BRN BRR BUK CHC CSD CSK "
        "CUC CYP DDM DEM ECS ECV EEK FIM FRF GEK GHC GHP GNS GQE GWE GWP HRD HRK IEP ILP LSM LTL "
        "LTT LVL LVR MLF MRO MTL MTP MXP MZE MZM NIC NLG PEI PES PLZ RHD ROL RUR SDD SDP SIT SKK "
        "SLL SRG STD SUR TJR TMM UAK UGS USS UYP VEB VEF VNC YDD YUD YUM YUN ZAL ZMK ZRN ZRZ ZWD "
        "ZWL ZWN ZWR"
    ),
}
"""ISO 4217's list of historic codes (its table A.3), by the decimals that each had at its end."""

_DECIMALS = {code: decimals for decimals, codes in _WITHDRAWN.items() for code in codes.split()}

_MEANT = {"CNH": "CNY", "RMB": "CNY"}
"""Names of the market for a currency that has another code."""


def currency_decimals(code: str) -> int:
    """The number of decimals of an ISO 4217 currency, of one that was withdrawn too.

    Raises ValueError for a code that is in neither list, or that has no minor unit (gold, testing).
    """
    try:
        decimals = Currency(code).exponent
    except ValueError:
        decimals = _DECIMALS.get(code)
        if decimals is None:
            meant = f", its code is {_MEANT[code]}" if code in _MEANT else ""
            raise ValueError(f"{code!r} is not a currency of ISO 4217{meant}") from None
    if decimals is None:
        raise ValueError(f"{code} has no minor unit in ISO 4217, so no amounts can be kept in it")
    return decimals
