"""eth_account without the curve BLS12-381, which no key of a bank lies on.

eth_keyfile, with which eth_account reads keystores, also writes those of Ethereum's consensus
layer, and computes their curve's tables when it is loaded: a fifth of the time in which a node
starts. It needs one number of them, and the rest only to write such a keystore.
"""

import sys
from types import ModuleType

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The number of points of BLS12-381's groups, py_ecc's `curve_order`."""


def leave_bls_out() -> None:
    """Before eth_account is loaded: stand-ins for the two modules, without what computes."""
    for name, attribute, value in (
        ("py_ecc.bls12_381", "curve_order", ORDER),
        ("py_ecc.bls", "G2ProofOfPossession", None),
    ):
        module = ModuleType(name)
        setattr(module, attribute, value)
        sys.modules.setdefault(name, module)
