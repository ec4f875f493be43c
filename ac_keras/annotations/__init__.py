"""Tables of clips, official lists and class folders of datasets."""

from ac_keras.annotations.class_names import load_class_names

__all__ = ["load_class_names"]
