"""The work list of breaks: which there are, who works on each, what people wrote about it, and the
filters that a person keeps. All of it is this bank's own and stands in its database alone."""
