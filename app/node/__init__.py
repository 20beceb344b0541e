"""A node: one bank on one channel, or several channels beside each other, in one process."""
