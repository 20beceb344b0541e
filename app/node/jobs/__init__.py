"""What recurs in a bank's node: the feed folder, submitting, catching up, ageing."""
