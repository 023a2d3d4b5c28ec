"""What log lines add up to: counted as they come or over whole files, in bounded memory."""
