"""The numbers that people and programs name things by: as large as the databases take them."""

LARGEST = 2**63 - 1
"""Of a 64-bit column; PostgreSQL refuses to compare one with more."""

LARGEST_SMALL = 2**31 - 1
"""Of a 32-bit column."""
