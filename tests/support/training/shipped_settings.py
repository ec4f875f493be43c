"""Settings of train.py with a shipped flagfile, on a small dataset.

    python shipped_settings.py TRAINERS FLAGFILE DATA_DIR OUTPUT_DIR

Prints as JSON all flags, and the arguments of the model, the update and the
data. Nothing is trained.
"""

import json
import pathlib
import sys

from absl import flags


def shapes(batches):
    features, _ = next(iter(batches))
    return {name: x.shape.as_list() for name, x in features.items()}


def describe(train, data_dir, output_dir):
    manifest, update = train.load_manifest(data_dir), {}
    num_units = train.training.parse_num_units(
        flags.FLAGS.num_units, list(manifest.description.modalities)
    )
    train_data, evaluate = train.make_data(manifest, list(num_units))
    model = train.build_model(manifest, num_units)
    make = train.training.UpdateStep

    def record(model, optimizer, **kwargs):
        update.update(kwargs, optimizer=optimizer)
        return make(model, optimizer, **kwargs)

    train.training.UpdateStep = record
    trainer = train.make_trainer(model, manifest, output_dir)
    clusters = model.get_layer("clusters")
    flags.FLAGS.standardize = "none"
    raw = train.build_model(manifest, num_units).get_layer("clusters")
    return {
        "units": {k: x.num_units for k, x in clusters.clusters.items()},
        "kinds": sorted({type(x).__name__ for x in clusters.clusters.values()}),
        "weightings": sorted({x.weighting for x in clusters.clusters.values()}),
        "means": as_lists(clusters.mean_features),
        "raw_means": as_lists(raw.mean_features),
        "dropout": model.get_layer("dropout").rate,
        "optimizer": type(update["optimizer"]).__name__,
        "learning_rate": float(update["optimizer"].learning_rate),
        "clip_norm": update["clip_norm"],
        "class_weights": update["class_weights"].tolist(),
        "best": trainer.best.metric,
        "training": shapes(train_data(0, 0, (0, 1))),
        "evaluation": shapes(evaluate("test", 7)),
    }


def as_lists(means):
    return {name: [float(x) for x in mean] for name, mean in means.items()}


def main(trainers, flagfile, data_dir, output_dir):
    sys.path.insert(0, trainers)
    import train

    argv = ["train.py", f"--flagfile={flagfile}", "--batch_size=48"]
    flags.FLAGS(train.with_shipped_flagfiles(argv))
    used = flags.FLAGS.flags_by_module_dict()["train"]
    values = {flag.name: flag.value for flag in used}
    made = describe(train, data_dir, pathlib.Path(output_dir))
    print(json.dumps({"flags": values, "made": made}))


if __name__ == "__main__":
    main(*sys.argv[1:])
