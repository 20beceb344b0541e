"""Tallystick: joint lending between banks, reconciled leg by leg on a permissioned EVM chain."""

from app.without_bls import leave_bls_out

leave_bls_out()
