"""A typed client of a node's REST interface. `node.NodeClient` is the one to use."""
