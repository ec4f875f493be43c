"""Corrupt records: framing, search and repair; scans for a manifest."""
