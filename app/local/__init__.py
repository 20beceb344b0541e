"""A consortium on this machine: embedded chain, banks beside each other, demonstration."""
