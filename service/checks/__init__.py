"""The production checklist: one function per line, each tested on the running configuration."""
