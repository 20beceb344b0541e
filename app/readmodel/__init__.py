"""What final blocks say, as tables to query; written by the indexer alone."""
