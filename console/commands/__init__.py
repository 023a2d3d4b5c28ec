"""The scriptable commands beside the console: `opsconsole logs` and `opsconsole sql`."""
