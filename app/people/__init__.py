"""The people of a bank: who they are, what each may do, how they sign in, their sessions."""
