"""Checks of what chain nodes answer: pure functions of bytes, without input or output."""
