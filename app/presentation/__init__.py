"""What REST, page and command line show, in the same shapes."""
