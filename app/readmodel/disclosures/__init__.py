"""What members disclosed: grants of sealed details, and heads of audit trails."""
