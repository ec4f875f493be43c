"""Files of a model for runtimes other than TensorFlow."""
