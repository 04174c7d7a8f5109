"""Programs: expressions as straight-line code, the printers of it, the one callable, its certificate and its export."""
