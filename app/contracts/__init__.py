"""The contracts as Python sees them: wrappers, events, payloads, errors."""
