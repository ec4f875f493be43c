import pytest
from absl import flags

from ac_keras.utils.deprecated_flags import define_deprecated_flag


@pytest.fixture
def values():
    return flags.FlagValues()


@pytest.fixture
def momentum(values):
    holder = flags.DEFINE_float("ema_momentum", 0.5, "", flag_values=values)
    define_deprecated_flag("average_momentum", holder, values)
    return holder


def test_the_old_flag_sets_the_new_one_with_a_warning(values, momentum, capsys):
    values(["program", "--average_momentum=.9"])
    assert momentum.value == 0.9 and momentum.present
    assert "--ema_momentum" in capsys.readouterr().err


def test_the_new_flag_keeps_its_default_without_the_old_one(values, momentum):
    values(["program"])
    assert momentum.value == 0.5 and not momentum.present
    listed = values.flags_by_module_dict()["deprecated"]  # Under no program.
    assert [flag.name for flag in listed] == ["average_momentum"]


def test_an_old_boolean_flag_can_be_negated(values):
    holder = flags.DEFINE_bool("skip_corrupt", True, "", flag_values=values)
    define_deprecated_flag("skip_broken", holder, values)
    values(["program", "--noskip_broken"])
    assert holder.value is False
