"""Every set of modalities, by several methods and seeds: what came out."""

import dataclasses
import itertools
import statistics
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

ModalitySet = tuple[str, ...]


def modality_sets(modalities: Sequence[str]) -> list[ModalitySet]:
    """Lists every set of modalities, the smallest first."""
    return [
        names
        for size in range(1, len(modalities) + 1)
        for names in itertools.combinations(modalities, size)
    ]


def set_name(modalities: ModalitySet) -> str:
    """Names a set as the page and the folders do."""
    return "+".join(modalities)


@dataclasses.dataclass(frozen=True)
class ModalityAblation:
    """Results of complete runs.

    Attributes:
        modalities: All of them.
        methods: What they were trained by; the first one is compared with
            the others.
        seeds: The seeds of each.
        results: Mapping from method, set of modalities and seed to what
            `train.py` wrote into `result.json`.
    """

    modalities: Sequence[str]
    methods: Sequence[str]
    seeds: Sequence[int]
    results: Mapping[tuple[str, ModalitySet, int], Mapping[str, float]]

    def accuracies(
        self, method: str, modalities: ModalitySet, split: str = "test"
    ) -> list[float]:
        """Gives the accuracy of each seed, in percent."""
        return [
            100 * self.results[method, modalities, seed][f"{split}_accuracy"]
            for seed in self.seeds
        ]

    def best_single(self, method: str) -> list[float]:
        """Gives each seed's highest accuracy of one modality alone."""
        singles = [self.accuracies(method, (x,)) for x in self.modalities]
        return list(map(max, zip(*singles, strict=True)))


def accuracy_table(ablation: ModalityAblation) -> str:
    """Gives a row for each set of modalities, a column for each method."""
    rows = []
    for names in modality_sets(ablation.modalities):
        row = [", ".join(names)]
        for method in ablation.methods:
            test = _spread(ablation.accuracies(method, names))
            known = ablation.accuracies(method, names, "validation")
            row.append(f"{test} ({statistics.fmean(known):.1f})")
        rows.append(row)
    return markdown_table(["modalities", *ablation.methods], rows, 1)


def seed_table(ablation: ModalityAblation) -> str:
    """Gives a row for each seed: all modalities against less.

    The first method on all modalities, the points by which it is above its
    best single modality, and those above each other method on all modalities.
    """
    method, *others = ablation.methods
    every = tuple(ablation.modalities)
    fused = ablation.accuracies(method, every)
    columns = [ablation.best_single(method)]
    columns += [ablation.accuracies(x, every) for x in others]
    rows = []
    for index, seed in enumerate(ablation.seeds):
        row = [str(seed), f"{fused[index]:.1f}"]
        for column in columns:
            gain = points_text(fused[index] - column[index])
            row.append(f"{column[index]:.1f} ({gain})")
        rows.append(row)
    header = ["seed", f"{method}, {', '.join(every)}", "best single modality"]
    return markdown_table([*header, *others], rows)


def _spread(values):
    """Gives mean and sample deviation, as the page shows them."""
    mean = f"{statistics.fmean(values):.1f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values):.1f}"


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], num_words: int = 0
) -> str:
    """Lays out a table, its figures to the right.

    Args:
        header: A text for each column.
        rows: As many each.
        num_words: How many columns, from the left, hold words.
    """
    lines = ["---"] * num_words + ["---:"] * (len(header) - num_words)
    return "".join(
        f"| {' | '.join(cells)} |\n" for cells in [header, lines, *rows]
    )


def points_text(points: float) -> str:
    """Gives a difference with its sign, at the digits that are shown."""
    text = f"{points:+.1f}"
    return text.replace("-", "−") if float(text) else f"{0:.1f}"
