"""Closed forms of Gaussian expectations."""
