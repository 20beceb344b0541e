"""Speaking to chain nodes: JSON-RPC, failover, identity, engines."""
