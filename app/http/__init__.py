"""What a node's REST interface and its pages share: context, keys, problems, health."""
