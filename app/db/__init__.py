"""The database: engine, types, the one MetaData, migrations."""
