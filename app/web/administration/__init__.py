"""Administration: people, their sessions, API keys, and the audit trail."""
