"""What others report for Table 1: test accuracy in percent.

The paper's are of at most 100 epochs of Adam at 1e-3. MindSpore's are of 200
epochs, the best of which was picked on the test split.

References:
    Long et al., Attention Clusters, CVPR 2018, Table 1; the attention cluster
    of MindSpore's model collection, on Ascend and on a GPU.
"""

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


def _column(*figures):
    return dict(zip(_ROWS, figures, strict=True))


# Family, then number of units.
PAPER = {
    "average": _column(0.2, 0.4, 0.6, 0.9, 1.2, 2.4, 5.0, 8.9),
    "fc1": _column(0.2, 0.4, 2.2, 31.7, 82.3, 83.3, 83.2, 81.8),
    "fc2": _column(0.2, 0.5, 2.3, 22.5, 82.0, 83.2, 82.4, 80.9),
    "fc1_shift": _column(51.2, 64.8, 75.9, 80.6, 86.9, 87.1, 87.1, 87.1),
    "fc2_shift": _column(53.7, 66.8, 76.8, 83.1, 84.9, 85.6, 85.6, 85.7),
}

# Device, then family, then number of units.
MINDSPORE = {
    "Ascend": {
        "fc1_shift": _column(34.5, 65.8, 72.7, 80.5, 84.6, 84.7, 85.0, 85.2),
        "fc2_shift": _column(54.1, 64.7, 73.8, 76.4, 86.6, 87.0, 87.3, 87.4),
    },
    "GPU": {
        "fc1_shift": _column(31.8, 19.4, 37.8, 65.0, 84.3, 85.3, 86.0, 86.1),
        "fc2_shift": _column(40.3, 41.3, 53.1, 81.6, 85.5, 87.6, 88.1, 88.3),
    },
}


def paper_accuracy(family: str, num_units: int) -> float | None:
    """Gives the paper's figure, None where it has none."""
    return PAPER[family].get(num_units)


def mindspore_accuracy(
    device: str, family: str, num_units: int
) -> float | None:
    """Gives MindSpore's figure on a device, None where it has none."""
    return MINDSPORE[device].get(family, {}).get(num_units)
