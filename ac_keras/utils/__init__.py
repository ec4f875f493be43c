"""Files, processes and optional packages."""
