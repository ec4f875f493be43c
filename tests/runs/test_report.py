"""write_report: a run's results, curves, classes and clips in one file."""

import re

import numpy as np
import pytest
from matplotlib import colormaps

from ac_keras.runs import report
from ac_keras.runs import write_report
from ac_keras.visualization import AttendedClip
from support.runs.page_parts import PageParts
from support.runs.page_parts import decode_image

NASTY = "<script>alert('a & \"b\"')</script>"
EPOCHS = [
    {"epoch": 0, "loss": 2.0, "val_loss": 3.0, "learning_rate": 0.1},
    {"epoch": 1, "loss": 1.0, "val_loss": 2.0, "learning_rate": 0.1},
]
NAMES = ["cat", "<dog>", "f&x", "gnu"]
CONFUSION = np.array([[2, 3, 1, 0], [0, 8, 0, 2], [0, 0, 0, 0], [0, 0, 0, 5]])


def random_weights(num_units, num_frames, seed=0):
    generator = np.random.default_rng(seed)
    weights = generator.uniform(size=(num_units, num_frames)) ** 8
    return weights / weights.sum(axis=1, keepdims=True)


def make_clip(index, correct=True, attention=None, images=None):
    if attention is None:
        attention = {"rgb": random_weights(3, 4, index)}
    return AttendedClip(
        id=f"clip-{index}",
        labels=("cat",) if correct else ("fox",),
        predictions=(("cat", 0.75), ("dog", 0.25)),
        attention=attention,
        images=images or {},
    )


BLACK = {"rgb": np.zeros((4, 6, 5), np.uint8)}
FULL = {
    "title": "a run",
    "result": {"test_accuracy": 0.5, "epochs": 2},
    "settings": {"batch_size": 64},
    "epochs": EPOCHS,
    "class_names": NAMES,
    "confusion": CONFUSION,
    "clips": [
        make_clip(0, images=BLACK),
        make_clip(1, correct=False),
    ],
}
EMPTY = {
    "title": "a run",
    "result": {},
    "settings": {},
    "epochs": [],
    "class_names": NAMES,
}


@pytest.fixture
def write(tmp_path):
    """Writes a report of some values, else empty, and reads its parts."""

    def write(**values):
        write_report(tmp_path / "report.html", **{**EMPTY, **values})
        return PageParts((tmp_path / "report.html").read_text(encoding="utf-8"))

    return write


def random_confusion(num_classes, seed=0):
    """Counts clips of which those of every seventh class are missing."""
    generator = np.random.default_rng(seed)
    confusion = generator.integers(0, 4, (num_classes, num_classes))
    confusion += np.diag(generator.integers(0, 200, num_classes))
    confusion[::7] = 0
    return confusion


def heat_maps(parts):
    return [decode_image(x["src"]) for x in parts.all("img", "heat")]


def expected_colors(weights):
    return colormaps["inferno"](weights / weights.max())


def test_an_interval_stands_with_its_metric(write):
    limits = {"test_accuracy_interval": [0.81, 0.925]}
    parts = write(result={"test_accuracy": 0.9, **limits})
    assert parts.texts("dt") == ["test accuracy"]
    value, interval = parts.texts("dd")
    assert value == "90.00 %"
    assert [float(x) for x in re.findall(r"\d+\.\d+", interval)] == [81, 92.5]


def test_every_part_that_is_there_has_a_section(write):
    parts = write(**FULL)
    headings = ["Result", "Epochs", "Classes", "Attention", "Settings"]
    assert parts.texts("h2") == headings
    assert parts.texts("h1") == parts.texts("title") == ["a run"]
    assert write(**FULL).html == parts.html
    assert write(result={"test_accuracy": 0.5}).texts("h2") == ["Result"]
    parts = write(epochs=EPOCHS)
    captions = parts.texts("figcaption")
    assert captions[0].startswith("loss best 2 in epoch 2")
    assert captions[1].startswith("learning rate")
    assert len(parts.all("svg")) == 2


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("test_accuracy", 0.91474, "91.47 %"),
        ("val_hit_at_1", np.float32(0.5), "50.00 %"),
        ("accuracy_ratio", 1.5, "1.5"),
        ("loss", 0.339982, "0.34"),
        ("loss", 1.2e-7, "1.2e-07"),
        ("loss", float("nan"), "not a number"),
        ("loss", float("inf"), "inf"),
        ("parameters", 1641088, "1,641,088"),
        ("clips_per_second", 13210.4, "13,210"),
        ("training_seconds", 59.96, "59.96"),
        ("training_seconds", 1653.9, "27 min 34 s"),
        ("training_seconds", 7199.9, "2 h 0 min"),
        ("epochs", np.int64(1200), "1,200"),
        ("keras", "3.15.1", "3.15.1"),
        ("stopped_early", True, "yes"),
        ("shift", False, "no"),
        ("best", None, "–"),
        ("units", ["a:1", "b:2"], "a:1, b:2"),
        ("units", [], "–"),
        ("note", "", "–"),
    ],
)
def test_a_number_is_formatted_by_its_name(name, value, text, write):
    parts = write(result={name: value})
    readable = name.replace("val_", "validation_").replace("_", " ")
    if name.startswith(("test_", "val_")):
        assert (parts.texts("dt"), parts.texts("dd")) == ([readable], [text])
    else:
        assert parts.rows == [[readable, text]]


def test_the_file_needs_no_network_and_runs_nothing(write):
    parts = write(**FULL)
    policy = parts.all("meta")[1]
    assert policy == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'",
    }
    attributes = [x for _, found, _ in parts.elements for x in found.items()]
    sources = ("src", "href", "data", "action", "srcset", "xlink:href")
    addresses = [value for name, value in attributes if name in sources]
    assert len(addresses) > 5
    assert all(x.startswith(("data:image/png;", "#")) for x in addresses)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", parts.html)
    tags = {tag for tag, _, _ in parts.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base"}
    assert not any(name.startswith("on") for name, _ in attributes)


def test_everything_is_escaped(write):
    clip = AttendedClip(
        NASTY, (NASTY,), ((NASTY, 0.9),), {NASTY: random_weights(2, 3)}
    )
    parts = write(
        title=NASTY,
        result={NASTY: NASTY, f"test_{NASTY}": NASTY},
        settings={NASTY: [NASTY]},
        epochs=[{NASTY: 1.0, f"val_{NASTY}": 2.0}],
        class_names=[NASTY, NASTY],
        confusion=np.array([[1, 2], [0, 4]]),
        clips=[clip, make_clip(1, True, {NASTY: np.zeros((2, 3))})],
    )
    assert not parts.all("script")
    for text in ("<script", "alert('", '& "b"'):
        assert text not in parts.html
    for tag in ("h1", "h4", "dd", "figcaption"):
        assert any(NASTY in text for text in parts.texts(tag))
    assert [NASTY, NASTY] in parts.rows
    labels = [x.get("aria-label") for x in parts.all("div")]
    assert f"{NASTY} over the epochs" in labels


def test_names_that_are_not_text_are_written_too(write):
    name = "a\udc80\x01"
    parts = write(
        epochs=[{name: 1.0}],
        class_names=[name],
        confusion=np.array([[1]]),
        clips=[AttendedClip(name, (), (("cat", 1.0),), {})],
    )
    assert "✗ a?\x01" in parts.texts("h4")


@pytest.mark.parametrize("num_classes", [2, 3862])
def test_any_size_of_run_stays_small(num_classes, write):
    generator = np.random.default_rng(0)
    metrics = ("loss", "accuracy", "top_5", "gap", "map")
    names = [*metrics, *(f"val_{name}" for name in metrics)]
    epochs = [
        {"epoch": epoch, **{name: generator.uniform() for name in names}}
        for epoch in range(500)
    ]
    units = {"rgb": 64, "flow": 32, "audio": 32}
    attention = {
        name: random_weights(count, 300, seed)
        for seed, (name, count) in enumerate(units.items())
    }
    noise = generator.integers(0, 256, (25, 64, 64)).astype(np.uint8)
    parts = write(
        epochs=epochs,
        confusion=generator.integers(0, 3, (num_classes, num_classes)),
        class_names=[f"class {index}" for index in range(num_classes)],
        clips=[
            make_clip(0, index % 2 == 0, attention, {"rgb": noise})
            for index in range(30)
        ],
    )
    assert 100_000 < len(parts.html.encode()) < 2_000_000


def test_the_worst_classes_have_a_row_in_the_table_and_in_the_matrix(write):
    parts = write(confusion=CONFUSION)
    assert parts.rows[:3] == [
        ["1", "cat", "2 of 6", "33.3 %", "<dog> (3), f&x (1)"],
        ["2", "<dog>", "8 of 10", "80.0 %", "gnu (2)"],
        ["3", "gnu", "5 of 5", "100.0 %", "none"],
    ]
    correct = parts.all("td", "right")
    assert parts.texts("td", "right") == ["2", "8", "5"]
    assert len(parts.all("td", "wrong")) == 9
    shares = [float(x["style"].removeprefix("--share:")) for x in correct]
    np.testing.assert_allclose(
        (np.array(shares) - 0.06) / 0.94, [2 / 6, 0.8, 1], atol=0.01
    )


@pytest.mark.parametrize("num_classes", [2, 15, 16, 400])
def test_the_classes_of_the_lowest_accuracy_come_first(num_classes, write):
    confusion = random_confusion(num_classes, seed=2)
    rows = write(confusion=confusion, class_names=range(num_classes)).rows
    known = np.flatnonzero(np.arange(num_classes) % 7)
    accuracy = confusion.diagonal()[known] / confusion[known].sum(axis=1)
    lowest = np.sort(accuracy)[:15]
    listed = [known.tolist().index(int(row[1])) for row in rows[: len(lowest)]]
    np.testing.assert_array_equal(accuracy[listed], lowest)
    assert rows[0][3] == f"{100 * lowest[0]:.1f} %"


def test_only_classes_with_errors_are_in_the_table_the_larger_first(write):
    confusion = np.array([[1, 1, 0], [5, 5, 0], [1, 2, 3]])
    rows = write(confusion=confusion, class_names="abc").rows
    assert [row[1] for row in rows[:3]] == ["b", "c", "a"]
    confusion = np.eye(40, dtype=int)
    confusion[3, 4] = 1
    rows = write(confusion=confusion, class_names=range(40)).rows
    assert [row[1] for row in rows if len(row) == 5] == ["3"]


def test_the_confusion_matrix_holds_every_clip_of_its_rows(write):
    confusion = random_confusion(50, seed=1)
    parts = write(confusion=confusion, class_names=range(50))
    worst = [int(row[1]) for row in parts.rows[:15]]
    numbers = [*parts.texts("td", "right"), *parts.texts("td", "wrong")]
    assert sum(int(x or 0) for x in numbers) == confusion[worst].sum()
    heads = parts.texts("th")
    assert heads.count("others") == 1
    assert [int(x) for x in heads[-15:]] == worst


def test_percentiles_and_histogram_leave_out_classes_without_clips(write):
    confusion = np.diag([10] * 30)
    confusion[:10, 0] = 10  # class 0 stays right, nine others are half so
    confusion[25] = 0
    parts = write(confusion=confusion, class_names=range(30))
    text = parts.texts("p")[0]
    numbers = [x.strip(".") for x in re.findall(r"\d[\d.]*", text)]
    assert numbers == ["29", "50.0", "10", "50.0", "100.0", "100.0", "1"]
    counts = [x for x in parts.texts("text") if x.isdigit()]
    assert counts == ["9", "20"]


@pytest.mark.parametrize("counts", [np.eye(20, dtype=int), np.zeros((20, 20))])
def test_no_error_and_no_clip_leave_no_table(counts, write):
    parts = write(confusion=counts, class_names=range(20))
    assert parts.rows == [] and parts.texts("h2") == ["Classes"]
    assert len(parts.all("svg")) == counts.any()


def test_a_confusion_of_other_classes_leaves_no_file(write, tmp_path):
    message = r"shape \(4, 4\).*Received: confusion.shape=\(3, 3\). Pass"
    with pytest.raises(ValueError, match=message):
        write(confusion=np.eye(3, dtype=int))
    assert not list(tmp_path.iterdir())


def test_a_map_has_a_pixel_for_every_unit_and_frame(write):
    weights = random_weights(5, 7)
    (pixels,) = heat_maps(write(clips=[make_clip(0, True, {"a": weights})]))
    assert pixels.shape == (5, 7, 4)
    np.testing.assert_allclose(pixels, expected_colors(weights), atol=0.02)
    weights = {"rgb": random_weights(100, 4)}
    parts = write(clips=[make_clip(0, True, weights)])
    assert heat_maps(parts)[0].shape == (report.MAX_UNITS, 4, 4)
    assert f"{report.MAX_UNITS} of 100 units over 4 frames" in parts.html
    parts = write(clips=[make_clip(0, True, weights, BLACK)])
    assert len(parts.all("use")) == report.MAX_UNITS_WITH_IMAGES


def test_a_clip_has_its_labels_and_predictions(write):
    parts = write(
        clips=[make_clip(0, False), make_clip(1), make_clip(2, False)]
    )
    assert parts.texts("h4") == ["✓ clip-1", "✗ clip-0", "✗ clip-2"]
    assert len(parts.all("article", "right")) == 1
    assert len(parts.all("article", "wrong")) == 2
    assert [x for x in parts.texts("b") if x != "rgb"] == ["cat", "fox", "fox"]
    assert parts.rows[:3] == [
        ["✓", "cat", "75.0 %", ""],
        ["", "dog", "25.0 %", ""],
        ["", "cat", "75.0 %", ""],
    ]
    assert parts.texts("tr", "hit") == ["✓cat75.0 %"]
    widths = [x["style"] for x in parts.all("span", "share")]
    assert widths == ["width:75.0%", "width:25.0%"] * 3


@pytest.mark.parametrize("absent", [np.zeros((4, 3)), np.zeros((4, 0))])
def test_an_absent_modality_has_no_map(absent, write):
    attention = {"rgb": random_weights(4, 3), "audio": absent}
    parts = write(clips=[make_clip(0, True, attention)])
    assert parts.texts("figcaption")[1] == "audio is absent"
    assert len(heat_maps(parts)) == 1


def test_the_frames_are_stored_once_and_shown_in_every_units_row(write):
    images = np.zeros((4, 6, 5), np.uint8)
    images[1] = 255
    weights = random_weights(3, 4)
    clip = make_clip(0, True, {"rgb": weights}, {"rgb": images})
    parts = write(clips=[clip])
    frames, heat = parts.all("image")
    pixels = decode_image(frames["href"])
    assert pixels.shape == (6, 20, 4)
    expected = np.zeros((6, 20), bool)
    expected[:, 5:10] = True
    np.testing.assert_array_equal(pixels[:, :, 0] > 0.5, expected)
    assert [use["y"] for use in parts.all("use")] == ["6", "12", "18"]
    assert {use["href"] for use in parts.all("use")} == {f"#{frames['id']}"}
    colors = decode_image(heat["href"])
    np.testing.assert_allclose(colors, expected_colors(weights), atol=0.02)
    assert (heat["y"], heat["width"], heat["height"]) == ("6", "20", "18")


def test_images_of_clips_are_their_own_and_small(write):
    clips = [make_clip(index, index > 1, None, BLACK) for index in range(4)]
    elements = write(clips=clips).all("image")
    names = [x["id"] for x in elements if "id" in x]
    assert len(names) == len(set(names)) == 4
    images = {"rgb": np.full((4, 480, 640), 200, np.uint8)}
    parts = write(clips=[make_clip(0, True, None, images)])
    frames = parts.all("image")[0]
    assert decode_image(frames["href"]).shape[0] <= 48
    assert len(parts.html) < 20_000


@pytest.mark.parametrize(
    "num_correct, num_wrong, shown",
    [(40, 40, (6, 6)), (40, 2, (10, 2)), (0, 40, (0, 12)), (3, 3, (3, 3))],
)
def test_at_most_twelve_clips_are_drawn(num_correct, num_wrong, shown, write):
    clips = [
        make_clip(i, i < num_correct) for i in range(num_correct + num_wrong)
    ]
    parts = write(clips=clips)
    count = [len(parts.all("article", kind)) for kind in ("right", "wrong")]
    assert tuple(count) == shown
    for total, number in zip((num_correct, num_wrong), shown, strict=True):
        if total > number:
            assert f"{total - number} more are not shown." in parts.html


def test_of_many_labels_the_first_are_named_and_all_counted(write):
    names = tuple(f"label {index}" for index in range(20))
    clip = AttendedClip("a", names, (("label 19", 1.0),), {})
    (text,) = write(clips=[clip]).texts("b")
    assert text.endswith("label 7 and 12 more") and "label 8" not in text
