"""The filter language: what one types to see only some lines."""
