"""Logs, health and migrations of one target, put together; no widget is known here."""
