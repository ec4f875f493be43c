"""What files of other runtimes have in common."""

from collections.abc import Callable
from collections.abc import Mapping

import numpy as np

# From a batch's inputs by name to its probabilities (batch, num_classes).
Predict = Callable[[Mapping[str, np.ndarray]], np.ndarray]
