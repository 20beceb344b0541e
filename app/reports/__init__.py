"""Reports made from the read model."""
