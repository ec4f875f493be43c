"""Tables of clips, official lists and class folders of datasets."""
