"""The terminal operations console: logs, health and migrations of any Python web service."""
