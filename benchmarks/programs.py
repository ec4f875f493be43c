"""The programs of docs/performance.md, in its order."""

import dataclasses
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Program:
    """A benchmark and its flags.

    Attributes:
        name: Its figures are in `NAME.json`.
        file: The program's file, in this folder.
        arguments: Its flags but `--output`.
        needs: What a machine needs that `make bench` does not ask for; it is
            run by hand there, with `--output` in the same folder.
    """

    name: str
    file: str
    arguments: tuple[str, ...] = ()
    needs: str = ""

    @property
    def command(self) -> str:
        """What to type at the repository's root."""
        return " ".join(["python", f"benchmarks/{self.file}", *self.arguments])


def step(setting: str, *arguments: str, policy: str = "float32") -> Program:
    """Gives the step's benchmark at a setting, in float32 or bfloat16."""
    flags = (f"--setting={setting}", f"--dtype_policy={policy}", *arguments)
    return Program(f"step_{setting}_{policy}", "training_step.py", flags)


PROGRAMS = (
    step("kinetics", "--rounds=5"),
    step("kinetics", "--peers=own", "--rounds=3", policy="mixed_bfloat16"),
    step("flash_mnist", "--peers=own,loop"),
    step("youtube8m", "--peers=own", "--nomeasures", "--rounds=1"),
    Program("gpu_step", "gpu_step.py", needs="a GPU, JAX and PyTorch"),
    Program("reader", "reader.py"),
    Program("preparation", "preparation.py"),
    Program("extraction", "extraction_stages.py"),
    Program("serving", "serving_load.py"),
    Program("scaling", "scaling.py"),
    Program("checkpoints", "checkpoint_cost.py"),
)
