"""Folders of a sweep with made-up results."""

import json
import re

SETTINGS = {
    "epochs": 3,
    "batch_size": 256,
    "learning_rate": 0.004,
    "classifier_rate": 1,
    "schedule": "cosine",
    "warmup_epochs": 0.0,
    "dropout": 0.5,
    "alpha_initializer": "constant:1",
    "beta_initializer": "normal:0.5",
}
PAPER_SETTINGS = {
    **SETTINGS,
    "epochs": 100,
    "batch_size": 64,
    "learning_rate": 0.001,
    "schedule": "constant",
}
DATASET = {"name": "flash_mnist", "manifest_sha256": "6805" * 16}


def write_json(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def cell_folder(root, family, num_units, seed=0, protocol="tuned"):
    return root / protocol / family / f"units_{num_units:03d}" / f"seed_{seed}"


def make_result(family, num_units, seed, test, protocol, settings):
    return {
        "family": family,
        "num_units": num_units,
        "seed": seed,
        "protocol": protocol,
        "settings": settings,
        "validation_loss": 0.5,
        "validation_accuracy": min(test + 0.01, 1.0),
        "validation_top_5_accuracy": min(test + 0.02, 1.0),
        "test_loss": 0.6,
        "test_accuracy": test,
        "test_top_5_accuracy": min(test + 0.015, 1.0),
        "best_epoch": 3,
        "epochs": 3,
        "training_seconds": 8.0,
        "parameters": 51200 * num_units + 1024,
        "product_flops_per_epoch": 30_000_000_000 * num_units,
        "tensorflow": "2.17.1",
        "keras": "3.15.1",
    }


def make_curve(best, num_epochs=3):
    """Returns a curve with a slow first and an interrupted last epoch."""
    seconds = [6.0] + [2.0] * (num_epochs - 2) + [0.1]
    return [
        {
            "epoch": epoch,
            "loss": 1.0,
            "accuracy": best * (epoch + 1) / num_epochs / 2,
            "learning_rate": 0.004,
            "seconds": seconds[epoch],
            "clips_per_second": 40_000.0,
            "val_loss": 1.0,
            "val_accuracy": best * (epoch + 1) / num_epochs,
            "val_top_5_accuracy": best,
        }
        for epoch in range(num_epochs)
    ]


def write_cell(
    root,
    family,
    num_units,
    seed=0,
    test=0.9,
    *,
    protocol="tuned",
    settings=SETTINGS,
    **changes,
):
    """Writes the files of a cell and returns its folder."""
    folder = cell_folder(root, family, num_units, seed, protocol)
    result = make_result(family, num_units, seed, test, protocol, settings)
    result |= changes
    write_json(folder / "result.json", result)
    best = result["validation_accuracy"]
    write_json(folder / "curve.json", make_curve(best, result["epochs"]))
    write_json(folder / "dataset.json", DATASET)
    return folder


def drop_key(path, key):
    values = json.loads(path.read_text())
    del values[key]
    path.write_text(json.dumps(values))


def parse_tables(page):
    """Returns the rows of every table of a Markdown page, headers first."""
    tables = []
    for block in re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE):
        lines = block.splitlines()
        assert all(line.endswith(" |") for line in lines)
        header, rule, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in lines
        )
        assert {len(header)} == {len(row) for row in (rule, *rows)}
        assert set(rule) <= {"---", "---:"}
        tables.append([header, *rows])
    return tables
