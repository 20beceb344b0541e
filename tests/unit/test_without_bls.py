"""The one number of the curve BLS12-381 that stands here is the curve's."""

import subprocess
import sys

from app.keys.without_bls import ORDER

SCRIPT = "from py_ecc.bls12_381 import curve_order; print(curve_order)"


def test_its_order_is_py_eccs() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(ran.stdout) == ORDER
