"""The TLS proxy (nginx) in front of what is reached from elsewhere: chain RPC and nodes' APIs."""
