"""Hyperledger Besu, the engine for production: its files, made from a network's description."""
