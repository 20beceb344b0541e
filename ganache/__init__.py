"""The local development chains: anvil and ganache, started by one launcher."""
