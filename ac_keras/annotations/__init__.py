"""Class names, clip tables and official splits of datasets."""
