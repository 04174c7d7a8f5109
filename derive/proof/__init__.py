"""Rules, steps, derivations, and the checker with its tiny worlds."""
