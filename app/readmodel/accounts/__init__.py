"""Reserve accounts: balances with their proof, movements, holds and alerts."""
