"""Lines as they come: from files, folders, archives, commands and standard input."""
