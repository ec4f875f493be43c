"""Results of every set of modalities, by method and seed, as tables."""

import dataclasses
import itertools
import statistics
from collections.abc import Mapping
from collections.abc import Sequence

ModalitySet = tuple[str, ...]


def modality_sets(modalities: Sequence[str]) -> list[ModalitySet]:
    """Lists every set of modalities except the empty one, small ones first."""
    return [
        names
        for size in range(1, len(modalities) + 1)
        for names in itertools.combinations(modalities, size)
    ]


def set_name(modalities: ModalitySet) -> str:
    """Returns the name of a set's folder."""
    return "+".join(modalities)


@dataclasses.dataclass(frozen=True)
class ModalityAblation:
    """Results of complete runs.

    Attributes:
        modalities: Names of all modalities.
        methods: Names of the methods, of which the first is compared with the
            others.
        seeds: Seeds of each method.
        results: Mapping from method, set of modalities and seed to the
            `result.json` of the run.
    """

    modalities: Sequence[str]
    methods: Sequence[str]
    seeds: Sequence[int]
    results: Mapping[tuple[str, ModalitySet, int], Mapping[str, float]]

    def accuracies(
        self, method: str, modalities: ModalitySet, split: str = "test"
    ) -> list[float]:
        """Returns the accuracy of each seed, in percent."""
        return [
            100 * self.results[method, modalities, seed][f"{split}_accuracy"]
            for seed in self.seeds
        ]

    def best_single(self, method: str) -> list[float]:
        """Returns the highest accuracy of a single modality, by seed."""
        singles = [self.accuracies(method, (x,)) for x in self.modalities]
        return list(map(max, zip(*singles, strict=True)))


def accuracy_table(ablation: ModalityAblation) -> str:
    """Formats a row for each set of modalities, a column for each method."""
    rows = []
    for names in modality_sets(ablation.modalities):
        row = [", ".join(names)]
        for method in ablation.methods:
            test = _spread(ablation.accuracies(method, names))
            validation = ablation.accuracies(method, names, "validation")
            row.append(f"{test} ({statistics.fmean(validation):.1f})")
        rows.append(row)
    return _markdown_table(["modalities", *ablation.methods], rows, 1)


def seed_table(ablation: ModalityAblation) -> str:
    """Formats a row for each seed: the first method against the others.

    The columns are the first method with all modalities, its best single
    modality, and each other method with all modalities. The difference to the
    first column is in parentheses.
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
            gain = _points(fused[index] - column[index])
            row.append(f"{column[index]:.1f} ({gain})")
        rows.append(row)
    header = ["seed", f"{method}, {', '.join(every)}", "best single modality"]
    return _markdown_table([*header, *others], rows)


def _spread(values):
    mean = f"{statistics.fmean(values):.1f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values):.1f}"


def _points(difference):
    text = f"{difference:+.1f}"
    return text.replace("-", "−") if float(text) else f"{0:.1f}"


def _markdown_table(header, rows, num_words=0):
    """Formats a table; only the first `num_words` columns are left-aligned."""
    lines = ["---"] * num_words + ["---:"] * (len(header) - num_words)
    return "".join(
        f"| {' | '.join(cells)} |\n" for cells in [header, lines, *rows]
    )
