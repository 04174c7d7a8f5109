"""Errors that a reader can act on."""


class InputError(ValueError):
    """Input that breaks a stated rule."""
