"""Renderers: text, LaTeX, HTML and JSON. All walk the data of a derivation; none derives anything."""
