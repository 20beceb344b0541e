"""The contracts as Python sees them: a class each, their ABIs, events, payloads, errors."""
