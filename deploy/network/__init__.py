"""A consortium's chain on this machine: Polygon Edge validators with IBFT proof of authority."""
