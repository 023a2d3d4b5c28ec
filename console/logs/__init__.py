"""Log files, from bytes on disk to records and statistics; no widget is known here."""
