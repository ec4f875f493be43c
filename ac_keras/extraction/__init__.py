"""From media files to local features (section 5.2 of the paper)."""
