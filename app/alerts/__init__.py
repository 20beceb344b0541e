"""Alerts: what people of the bank should look at now, by rules, until the cause is gone."""
