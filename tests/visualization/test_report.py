"""write_report: what a run came to, in one file."""

import csv
import io
import re

import numpy as np
import pytest

from ac_keras.runs.report import write_report
from ac_keras.visualization import AttendedClip
from support.visualization.drawn_clips import make_attended
from support.visualization.drawn_clips import random_weights
from support.visualization.page_parts import PageParts
from support.visualization.page_parts import rows_of

NASTY = "<script>alert('a & \"b\"')</script>"
EPOCHS = [
    {"epoch": 0, "loss": 2.0, "val_loss": 3.0, "learning_rate": 0.1},
    {"epoch": 1, "loss": 1.0, "val_loss": 2.0, "learning_rate": 0.1},
]
SIMPLE = {
    "title": "a run",
    "result": {"test_accuracy": 0.5, "epochs": 2},
    "settings": {"batch_size": 64, "shift": True, "num_units": ["a:1", "b:2"]},
    "epochs": EPOCHS,
    "class_names": ["cat", "dog"],
}
FULL = {
    **SIMPLE,
    "confusion": np.array([[3, 1], [0, 4]]),
    "clips": [make_attended(0), make_attended(1, right=False)],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.html"


def write(path, **values):
    write_report(path, **{**SIMPLE, **values})
    return path.read_text(encoding="utf-8")


def test_every_part_has_its_section(path):
    parts = PageParts(write(path, **FULL))
    headings = ["Result", "Epochs", "Classes", "Attention", "Settings"]
    assert parts.texts("h2") == headings
    assert parts.texts("h1") == parts.texts("title")[:1] == ["a run"]


def test_parts_that_are_not_there_have_no_section(path):
    html = write(path, epochs=[], settings={})
    assert PageParts(html).texts("h2") == ["Result"]


def test_results_of_splits_come_first_and_large(path):
    result = {
        "epochs": 12,
        "test_accuracy": 0.914746,
        "test_loss": 0.33998,
        "training_seconds": 81234.5,
        "parameters": 48641088,
        "keras": "3.15.1",
        "validation_accuracy": np.float32(0.5),
    }
    html = write(path, result=result, settings={})
    parts = PageParts(html)
    tiles = dict(zip(parts.texts("dt"), parts.texts("dd"), strict=True))
    assert tiles == {
        "test accuracy": "91.47 %",
        "test loss": "0.34",
        "validation accuracy": "50.00 %",
    }
    assert rows_of(html) == [
        ["epochs", "12"],
        ["training seconds", "22 h 34 min"],
        ["parameters", "48,641,088"],
        ["keras", "3.15.1"],
    ]


def test_settings_are_a_table(path):
    settings = {**SIMPLE["settings"], "resume": None, "xla": False}
    rows = rows_of(write(path, settings=settings, result={}))
    assert rows == [
        ["batch_size", "64"],
        ["shift", "yes"],
        ["num_units", "a:1, b:2"],
        ["resume", "–"],
        ["xla", "no"],
    ]


def test_the_file_needs_no_network(path):
    html = write(path, **FULL)
    images = {"rgb": np.ones((4, 6, 5), np.uint8)}
    html += write(path, clips=[make_attended(0, True, None, images)])
    addresses = [
        value
        for _, attributes, _ in PageParts(html).elements
        for name, value in attributes.items()
        if name in ("src", "href", "data", "action", "srcset", "xlink:href")
    ]
    assert len(addresses) > 5
    assert all(x.startswith(("data:image/png;", "#")) for x in addresses)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    tags = {tag for tag, _, _ in PageParts(html).elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base"}


def test_everything_is_escaped(path):
    clip = AttendedClip(
        NASTY, (NASTY,), ((NASTY, 0.9),), {NASTY: random_weights(2, 3)}
    )
    html = write(
        path,
        title=NASTY,
        result={NASTY: NASTY, f"test_{NASTY}": NASTY},
        settings={NASTY: [NASTY]},
        epochs=[{NASTY: 1.0, f"val_{NASTY}": 2.0}],
        class_names=[NASTY, NASTY],
        confusion=np.array([[1, 2], [0, 4]]),
        clips=[clip, make_attended(1, True, {NASTY: np.zeros((2, 3))})],
    )
    parts = PageParts(html)
    assert not parts.all("script")
    assert "<script" not in html and "alert('" not in html
    assert '& "b"' not in html
    for tag in ("h1", "h4", "dd"):
        assert any(NASTY in text for text in parts.texts(tag))
    assert [NASTY, NASTY] in rows_of(html)


def test_ids_that_are_no_text_are_written_all_the_same(path):
    html = write(path, clips=[AttendedClip("a\udc80", (), (("cat", 1.0),), {})])
    assert "✗ a?" in PageParts(html).texts("h4")


@pytest.mark.parametrize("num_classes", [2, 400, 3862])
def test_any_size_of_run_stays_small(path, num_classes):
    generator = np.random.default_rng(0)
    confusion = generator.integers(0, 3, (num_classes, num_classes))
    metrics = ("loss", "accuracy", "top_5", "gap", "map")
    epochs = [
        {
            "epoch": epoch,
            **{name: generator.uniform() for name in metrics},
            **{f"val_{name}": generator.uniform() for name in metrics},
        }
        for epoch in range(500)
    ]
    attention = {
        "rgb": random_weights(64, 300, 1),
        "flow": random_weights(32, 300, 2),
        "audio": random_weights(32, 300, 3),
    }
    noise = generator.integers(0, 256, (25, 64, 64)).astype(np.uint8)
    clips = [
        make_attended(0, index % 2 == 0, attention, {"rgb": noise})
        for index in range(30)
    ]
    html = write(
        path,
        epochs=epochs,
        confusion=confusion,
        class_names=[f"class {index}" for index in range(num_classes)],
        clips=clips,
    )
    assert 100_000 < len(html.encode()) < 2_000_000


def test_a_confusion_of_other_classes_leaves_no_file(path):
    with pytest.raises(ValueError, match="confusion.shape=.*Give the class"):
        write(path, confusion=np.eye(3, dtype=int))
    assert not list(path.parent.iterdir())


def test_rows_of_a_csv_give_the_same_page(path):
    file = io.StringIO()
    writer = csv.DictWriter(file, EPOCHS[0])
    writer.writeheader()
    writer.writerows(EPOCHS)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert write(path, epochs=rows) == write(path)


def test_the_same_run_gives_the_same_bytes(path):
    assert write(path, **FULL) == write(path, **FULL)


def test_a_page_knows_phones_dark_screens_and_paper(path):
    html = write(path)
    assert PageParts(html).all("meta")[2]["name"] == "viewport"
    assert "prefers-color-scheme:dark" in html and "@media print" in html
