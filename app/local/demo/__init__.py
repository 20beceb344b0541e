"""The demonstration: an embedded consortium that reconciles a sample of its own making."""
