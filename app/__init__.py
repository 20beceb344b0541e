"""Tallystick: two banks' halves of every loan event, matched on a shared chain."""
