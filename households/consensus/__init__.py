"""How the devices of a home agree on what may leave it (protocols.md 1). Pure: no clock, no chance, no I/O."""
