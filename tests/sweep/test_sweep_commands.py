"""The commands that train a sweep's cells."""

import shlex

import pytest

import table_1_results
from report_pages import sweep_commands
from support.flash_mnist.made_up_sweep import write_cell


@pytest.fixture
def commands_of(tmp_path):
    def commands_of(*cells, **flags):
        for cell in cells:
            write_cell(tmp_path, *cell)
        (protocol,) = table_1_results.read_sweep(tmp_path)
        table = table_1_results.tabulate_cells(protocol.cells)
        return sweep_commands(table.values(), "table_1", flags)

    return commands_of


def words_of(command):
    return shlex.split(command.replace("\\\n", " "))


def test_a_command_names_what_was_trained(commands_of):
    cells = [("fc1", count, seed) for count in (8, 16) for seed in (0, 1)]
    (command,) = commands_of(*cells, protocol="tuned")
    assert words_of(command) == [
        *(
            "python",
            "trainers/flash_mnist/sweep.py",
            "--data_dir=records/flash_mnist",
        ),
        *("--output_dir=runs/table_1", "--protocol=tuned", "--families=fc1"),
        *("--num_units=8,16", "--seeds=0,1"),
    ]


def test_lines_fit_a_page(commands_of):
    (command,) = commands_of(("fc1", 8), study="x", beta_initializer="y" * 30)
    first, *others = command.splitlines()
    assert others and all(line.startswith("    --") for line in others)
    assert all(len(line) <= 80 for line in [first, *others])
    assert all(line.endswith(" \\") for line in [first, *others][:-1])


def test_values_are_quoted_for_a_shell(commands_of):
    (command,) = commands_of(("fc1", 8), study="it's; rm")
    assert "--study=it's; rm" in words_of(command)


def test_cells_with_other_seeds_have_a_command_of_their_own(commands_of):
    places = ((8, 0), (8, 1), (16, 0), (16, 1), (32, 0))
    cells = [(family, *place) for place in places for family in ("fc1", "fc2")]
    assert [words_of(x)[-3:] for x in commands_of(*cells)] == [
        ["--families=fc1,fc2", "--num_units=8,16", "--seeds=0,1"],
        ["--families=fc1,fc2", "--num_units=32", "--seeds=0"],
    ]
