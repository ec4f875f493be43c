"""What a sweep's page says of how its cells were trained."""

import pytest

import table_1_results
from report_pages import protocol_caption
from report_pages import seeds_caption
from support.flash_mnist.made_up_sweep import PAPER_SETTINGS
from support.flash_mnist.made_up_sweep import SETTINGS
from support.flash_mnist.made_up_sweep import write_cell

OPEN = (
    "- Left open by the paper: batch size 256, alpha initializer `constant:1`, "
    "beta initializer `normal:0.5`."
)
DIFFERENT = (
    "3 epochs (paper: 100), learning rate 0.004 (paper: 0.001), schedule "
    "`cosine` (paper: `constant`)"
)


@pytest.fixture
def write(tmp_path):
    def write(family, num_units, seed=0, **settings):
        settings = SETTINGS | settings
        write_cell(tmp_path, family, num_units, seed, settings=settings)

    return write


def table_of(root):
    (protocol,) = table_1_results.read_sweep(root)
    return table_1_results.tabulate_cells(protocol.cells)


def lines_of(root):
    caption = protocol_caption(table_of(root))
    return [x for x in caption.splitlines() if x.startswith("- ")]


def test_the_papers_protocol_is_told(write, tmp_path):
    write("fc1", 8)
    caption = protocol_caption(table_of(tmp_path)).replace("\n", " ")
    assert caption.startswith(
        "The paper's protocol is Adam with 100 epochs, learning rate 0.001, "
        "the same rate for the classifier, schedule `constant`, 0 warmup "
        "epochs, dropout 0.5. What differs here, by number of units N:"
    )


def test_equal_settings_share_a_line(write, tmp_path):
    write("fc1", 8)
    write("average", 2)
    assert lines_of(tmp_path) == [f"- All cells: {DIFFERENT}.", OPEN]


def test_settings_that_change_with_the_units_have_lines_of_their_own(
    write, tmp_path
):
    for family in ("fc1", "fc2"):
        write(family, 1, dropout=0.0, epochs=100)
        write(family, 4, dropout=0.0)
        write(family, 8)
    everywhere = DIFFERENT.removeprefix("3 epochs (paper: 100), ")
    assert lines_of(tmp_path) == [
        f"- All cells: {everywhere}.",
        "- N = 4, 8: 3 epochs (paper: 100).",
        "- N = 1, 4: dropout 0 (paper: 0.5).",
        OPEN,
    ]


def test_settings_that_change_with_the_shift_are_told_with_it(write, tmp_path):
    for num_units, rate in ((1, 400), (8, 141)):
        write("fc1", num_units, classifier_rate=8)
        write("fc1_shift", num_units, classifier_rate=rate)
    assert lines_of(tmp_path)[1:-1] == [
        "- Without shift: the classifier's rate 8 times the units' (paper: "
        "the same).",
        "- N = 1, with shift: the classifier's rate 400 times the units' "
        "(paper: the same).",
        "- N = 8, with shift: the classifier's rate 141 times the units' "
        "(paper: the same).",
    ]


def test_values_are_told_from_few_units_to_many(write, tmp_path):
    write("fc1", 64)
    write("fc2", 64)
    write("fc2", 8, epochs=30)
    _, first, second, _ = lines_of(tmp_path)
    assert first.startswith("- N = 8: 30 epochs")
    assert second.startswith("- N = 64: 3 epochs")


def test_the_reason_for_the_classifiers_rate_is_told_once(write, tmp_path):
    write("fc1", 8)
    assert "has norm 1" not in protocol_caption(table_of(tmp_path))
    write("fc1_shift", 8, classifier_rate=141)
    write("fc1_shift", 1, classifier_rate=400)
    assert protocol_caption(table_of(tmp_path)).count("has norm 1") == 1


def test_settings_of_a_family_are_told_with_its_name(write, tmp_path):
    write("fc1", 8)
    write("fc2", 8, dropout=0.0)
    assert "- FC2, N = 8: dropout 0 (paper: 0.5)." in lines_of(tmp_path)


def test_the_papers_own_protocol_differs_in_nothing(tmp_path):
    write_cell(tmp_path, "fc1", 8, settings=PAPER_SETTINGS)
    caption = protocol_caption(table_of(tmp_path))
    assert caption.startswith("Nothing differs from the paper's protocol:")
    assert lines_of(tmp_path) == [OPEN.replace("256", "64")]


def test_what_the_paper_leaves_open_is_told_by_cells(write, tmp_path):
    write("fc1", 8)
    write("fc1", 16, batch_size=64)
    text = OPEN.removeprefix("- ")
    assert lines_of(tmp_path)[1:] == [
        f"- N = 8: {text}",
        f"- N = 16: {text.replace('256', '64')}",
    ]


def test_a_setting_that_the_paper_does_not_have_is_told(write, tmp_path):
    write("fc1", 8, weight_decay=1e-4)
    line, _ = lines_of(tmp_path)
    assert line.endswith(f"{DIFFERENT}, weight decay 0.0001 (paper: none).")


def test_the_seeds_are_counted(write, tmp_path):
    for seed in (0, 1, 5):
        write("fc1", 8, seed)
    assert seeds_caption(table_of(tmp_path)) == "Seeds of a cell: 3 (0, 1, 5)."


def test_cells_with_fewer_seeds_are_named(write, tmp_path):
    for num_units in (1, 2):
        for seed in (0, 1):
            write("fc1", num_units, seed)
    write("fc1", 128)
    text = seeds_caption(table_of(tmp_path))
    assert text == "Seeds of a cell: 2 (0, 1); but N = 128: 1 (0)."


def test_a_value_for_every_number_of_units_shares_a_line(write, tmp_path):
    rates = {2: 283, 4: 200, 16: 50, 128: 6}
    for num_units, rate in rates.items():
        write("fc1", num_units, classifier_rate=8)
        write("fc1_shift", num_units, classifier_rate=rate)
        write("fc2_shift", num_units, classifier_rate=rate)
    lines = [x for x in lines_of(tmp_path) if "classifier" in x]
    assert lines == [
        "- With shift: the classifier's rate 283, 200, 50, 6 times the units' "
        "for N = 2, 4, 16, 128 (paper: the same).",
        "- Without shift: the classifier's rate 8 times the units' (paper: "
        "the same).",
    ]
