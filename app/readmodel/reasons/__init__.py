"""The reasons that banks gave for what they did."""
