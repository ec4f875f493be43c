"""clip_sections: right and wrong clips and their attention, in HTML."""

import numpy as np
import pytest
from matplotlib import colormaps

from ac_keras.runs.report import MAX_CLIPS
from ac_keras.runs.report import MAX_DRAWN_UNITS
from ac_keras.runs.report import MAX_UNITS
from ac_keras.runs.report import clip_sections
from support.visualization.drawn_clips import make_attended
from support.visualization.drawn_clips import random_weights
from support.visualization.page_parts import PageParts
from support.visualization.page_parts import decode_picture


def heat_maps(html):
    return [
        decode_picture(x["src"]) for x in PageParts(html).all("img", "heat")
    ]


def expected_colors(weights):
    return colormaps["inferno"](weights / weights.max())


def test_a_map_has_a_pixel_for_every_unit_and_frame():
    weights = random_weights(5, 7)
    (pixels,) = heat_maps(
        clip_sections([make_attended(0, True, {"a": weights})])
    )
    assert pixels.shape == (5, 7, 4)
    np.testing.assert_allclose(pixels, expected_colors(weights), atol=0.02)


def test_right_clips_are_told_from_wrong_ones():
    clips = [make_attended(0, False), make_attended(1), make_attended(2, False)]
    parts = PageParts(clip_sections(clips))
    assert parts.texts("h3") == ["Right", "Wrong"]
    assert parts.texts("h4") == ["✓ clip-1", "✗ clip-0", "✗ clip-2"]
    assert len(parts.all("article", "right")) == 1
    assert len(parts.all("article", "wrong")) == 2


def test_a_clip_says_what_it_is_and_what_it_is_taken_for():
    parts = PageParts(clip_sections([make_attended(0, right=False)]))
    assert "is fox, taken for" in parts.texts("p")
    assert parts.texts("td") == [
        "",
        "cat",
        "75.0 %",
        "",
        "",
        "dog",
        "25.0 %",
        "",
    ]
    widths = [x["style"] for x in parts.all("span", "share")]
    assert widths == ["width:75.0%", "width:25.0%"]
    assert not parts.all("tr", "hit")
    right = PageParts(clip_sections([make_attended(0)]))
    assert right.texts("tr", "hit") == ["✓cat75.0 %"]


@pytest.mark.parametrize("absent", [np.zeros((4, 3)), np.zeros((4, 0))])
def test_an_absent_modality_is_said_in_words(absent):
    attention = {"rgb": random_weights(4, 3), "audio": absent}
    html = clip_sections([make_attended(0, True, attention)])
    captions = PageParts(html).texts("figcaption")
    assert captions[0].startswith("rgb 4 units over 3 frames, largest weight ")
    assert captions[1] == "audio is absent"
    assert len(heat_maps(html)) == 1


def test_the_images_are_drawn_once_and_seen_in_every_units_row():
    images = np.zeros((4, 6, 5), np.uint8)
    images[1] = 255
    weights = random_weights(3, 4)
    clip = make_attended(0, True, {"rgb": weights}, {"rgb": images})
    parts = PageParts(clip_sections([clip]))
    frames, heat = parts.all("image")
    pixels = decode_picture(frames["href"])
    assert pixels.shape == (6, 20, 4)
    bright = pixels[:, :, 0] > 0.5
    np.testing.assert_array_equal(np.flatnonzero(bright.all(0)), range(5, 10))
    assert bright.sum() == 30
    assert [use["y"] for use in parts.all("use")] == ["6", "12", "18"]
    assert {use["href"] for use in parts.all("use")} == {f"#{frames['id']}"}
    colors = decode_picture(heat["href"])
    np.testing.assert_allclose(colors, expected_colors(weights), atol=0.02)
    assert (heat["y"], heat["width"], heat["height"]) == ("6", "20", "18")


def test_every_clips_images_are_its_own():
    images = {"rgb": np.zeros((4, 6, 5), np.uint8)}
    clips = [
        make_attended(index, index > 1, None, images) for index in range(4)
    ]
    names = [
        x["id"]
        for x in PageParts(clip_sections(clips)).all("image")
        if "id" in x
    ]
    assert len(names) == len(set(names)) == 4


def test_large_images_are_made_smaller():
    images = {"rgb": np.full((4, 480, 640), 200, np.uint8)}
    html = clip_sections([make_attended(0, True, None, images)])
    frames = PageParts(html).all("image")[0]
    assert decode_picture(frames["href"]).shape[0] <= 48
    assert len(html) < 20_000


def test_of_many_units_the_first_are_drawn_and_all_counted():
    weights = random_weights(100, 4)
    html = clip_sections([make_attended(0, True, {"rgb": weights})])
    assert heat_maps(html)[0].shape == (MAX_UNITS, 4, 4)
    assert f"{MAX_UNITS} of 100 units over 4 frames" in html
    images = {"rgb": np.ones((4, 6, 5), np.uint8)}
    html = clip_sections([make_attended(0, True, {"rgb": weights}, images)])
    assert len(PageParts(html).all("use")) == MAX_DRAWN_UNITS


@pytest.mark.parametrize(
    "num_right, num_wrong, shown",
    [(40, 40, (6, 6)), (40, 2, (10, 2)), (0, 40, (0, 12)), (3, 3, (3, 3))],
)
def test_so_many_clips_are_drawn_at_most(num_right, num_wrong, shown):
    clips = [
        make_attended(i, i < num_right) for i in range(num_right + num_wrong)
    ]
    html = clip_sections(clips)
    parts = PageParts(html)
    count = [len(parts.all("article", kind)) for kind in ("right", "wrong")]
    assert tuple(count) == shown and sum(count) <= MAX_CLIPS
    for total, number in zip((num_right, num_wrong), shown, strict=True):
        if total > number:
            assert f"{total - number} more are not shown." in html


def test_many_labels_are_counted():
    clip = make_attended(0)
    names = tuple(f"label {index}" for index in range(20))
    many = type(clip)("a", names, (("label 19", 1.0),), clip.attention)
    (text,) = (
        x for x in PageParts(clip_sections([many])).texts("p") if "is" in x[:3]
    )
    assert "label 7 and 12 more, taken for" in text and "label 8" not in text
