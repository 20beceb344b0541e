"""What several verbs share: reading and acting for a bank, asking and showing at a terminal."""
