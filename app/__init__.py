"""Tallystick: joint lending between banks, reconciled leg by leg on a permissioned EVM chain."""
