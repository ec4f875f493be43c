"""Deprecated names of flags, which users' flagfiles still contain."""

import sys

from absl import flags


class _DeprecatedFlag(flags.Flag):
    """Passes its value to another flag and prints a warning."""

    def __init__(self, name, holder, flag_values):
        new = flag_values[holder.name]
        super().__init__(
            new.parser,
            new.serializer,
            name,
            None,
            f"Deprecated: use --{holder.name}.",
            boolean=new.boolean,
        )
        self._new = new

    def parse(self, argument):
        print(
            f"--{self.name} is deprecated: use --{self._new.name}.",
            file=sys.stderr,
        )
        self._new.parse(argument)
        self._new.using_default_value = False
        self._new.present += 1


def define_deprecated_flag(
    name: str,
    holder: flags.FlagHolder,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> None:
    """Defines the deprecated name of a flag, without dashes.

    The old flag sets the new one and prints a warning. It has no value itself
    and is not listed among the flags of the program's module.
    """
    flag = _DeprecatedFlag(name, holder, flag_values)
    flags.DEFINE_flag(flag, flag_values, module_name="deprecated")
