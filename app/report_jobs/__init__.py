"""Reports that people ask for through the page, made in the background and kept as files."""
