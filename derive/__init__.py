"""Symbolic derivations of how variance travels through random networks."""
