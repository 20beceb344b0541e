"""From final blocks to the read model: scan, decode, open, project."""
