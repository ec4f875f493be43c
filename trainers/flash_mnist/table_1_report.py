"""Makes the tables and pictures of a sweep: Table 1 and Figure 4.

    python trainers/flash_mnist/table_1_report.py --sweep=runs/table_1 \
        --output=docs/results/flash_mnist.md

Reads what `trainers/flash_mnist/sweep.py` wrote, of all protocols, and writes a Markdown
page with the figures beside the paper's, and studies beside the tuned protocol.
The folder of the page's name receives the pictures and the figures as CSV and
JSON. Cells that are not finished are left out and listed.
"""

import pathlib
import shutil
import sys

from absl import app
from absl import flags

import figures
import report_pages
import table_1_results
from ac_keras.utils import atomic_file
from cells import PROTOCOLS

_SWEEP = flags.DEFINE_string(
    "sweep",
    None,
    "Folder that trainers/flash_mnist/sweep.py wrote.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The Markdown file to write.", required=True
)
_TITLE = flags.DEFINE_string(
    "title", "Flash-MNIST: Table 1 of the paper", "Its title."
)
_PROTOCOLS = flags.DEFINE_list(
    "protocols", [], "Which protocols; all that have a result by default."
)
# Further sections, each there if its file is given.
_ANCHOR = flags.DEFINE_string(
    "anchor", None, "JSON file of trainers/flash_mnist/frame_union.py."
)
_POSITION_BIAS = flags.DEFINE_string(
    "position_bias", None, "JSON file of trainers/flash_mnist/position_bias.py."
)
_DIVERSITY = flags.DEFINE_string(
    "diversity",
    None,
    "JSON file of trainers/flash_mnist/attention_diversity.py, its pictures beside it.",
)
_COSTS = flags.DEFINE_string(
    "costs", None, "JSON file of trainers/flash_mnist/cell_costs.py."
)


def further_sections(address: str) -> tuple[dict[str, str], dict]:
    """Gives the sections whose files were named.

    Args:
        address: Of the page's folder, on the page.

    Returns:
        Mapping from heading to Markdown, and one from the name of a picture
        in the page's folder to the file to copy.

    Raises:
        ValueError: If a file is not what it should be.
    """
    sections, copies = {}, {}
    if _DIVERSITY.value:
        path = pathlib.Path(_DIVERSITY.value)
        runs = report_pages.read_diversity(path)
        pictures = report_pages.find_pictures(path, runs)
        copies = {f"diversity_{x.name}": x for x in pictures.values()}
        sections["What the units attend to"] = report_pages.describe_diversity(
            runs,
            {
                caption: f"{address}/{name}"
                for caption, name in zip(pictures, copies, strict=True)
            },
        )
    if _POSITION_BIAS.value:
        rows = report_pages.read_position_bias(
            pathlib.Path(_POSITION_BIAS.value)
        )
        sections["A bias for each position"] = (
            report_pages.describe_position_bias(rows)
        )
    if _ANCHOR.value:
        measured = report_pages.read_anchor(pathlib.Path(_ANCHOR.value))
        sections["What the CNN alone comes to"] = report_pages.describe_anchor(
            measured
        )
    return sections, copies


def draw_pictures(
    protocols: list[table_1_results.ProtocolResults], folder: pathlib.Path
) -> dict[str, dict[str, str]]:
    """Draws each protocol, studies apart: captions and addresses."""
    return {
        protocol.name: {
            caption: f"{folder.name}/{name}"
            for caption, name in figures.draw_pictures(protocol, folder).items()
        }
        for protocol in protocols
        if protocol.name in PROTOCOLS
    }


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    root, output = pathlib.Path(_SWEEP.value), pathlib.Path(_OUTPUT.value)
    folder = output.with_suffix("")
    try:
        if output.suffix != ".md":
            raise ValueError(
                "Expected --output to end in .md, since the folder beside the "
                f"page has its name without it. Received: output={output}."
            )
        protocols = table_1_results.read_sweep(root, _PROTOCOLS.value)
        sections, copies = further_sections(folder.name)
        costs = ""
        if _COSTS.value:
            rows = report_pages.read_costs(pathlib.Path(_COSTS.value))
            costs = report_pages.describe_costs(rows)
        folder.mkdir(parents=True, exist_ok=True)
        table_1_results.write_files(protocols, folder)
        for name, source in copies.items():
            with atomic_file.atomic_path(folder / name) as partial:
                shutil.copyfile(source, partial)
        pictures = draw_pictures(protocols, folder)
    except ValueError as error:
        sys.exit(str(error))
    page = report_pages.write_page(
        _TITLE.value,
        root.resolve().name,
        protocols,
        pictures,
        sections,
        folder.name,
        costs,
    )
    atomic_file.write_text(output, page)
    for protocol in protocols:
        print(f"{protocol.name}, cells: {len(protocol.cells)}")
        for path in protocol.unfinished:
            print(f"not finished, left out: {path}")
    print(f"The page is {output}")


if __name__ == "__main__":
    app.run(main)
