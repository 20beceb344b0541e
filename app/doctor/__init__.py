"""`tally doctor`: looks for the common faults of a bank's node and says what to do."""
