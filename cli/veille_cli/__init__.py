"""The `veille` command: read arguments, wire, call the core, print."""
