"""What starts of ours does not compute the curve that none of its keys lies on."""

import subprocess
import sys

SCRIPT = """
import sys
import app.node.single_node
from app.keys.without_bls import ORDER

assert not [name for name in sys.modules if name.startswith("py_ecc.optimized")], "computed"
del sys.modules["py_ecc.bls12_381"]
from py_ecc.bls12_381 import curve_order
assert curve_order == ORDER
"""


def test_a_node_leaves_it_out_and_knows_its_order() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)
