"""Health URLs: asking them, and remembering what they answered."""
