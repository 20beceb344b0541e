"""Tallystick: joint lending between banks, reconciled leg by leg on a permissioned EVM chain."""

from app.keys.without_bls import leave_bls_out

leave_bls_out()
