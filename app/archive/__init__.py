"""Closed days leave the database for Parquet files."""
