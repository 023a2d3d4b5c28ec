"""Backups of the service's database: made, proven by restoring them, and thrown away in time.

Imports nothing of the service: its image needs requirements.txt and PostgreSQL's client programs.
"""
