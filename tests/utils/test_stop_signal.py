"""Signals that are noted, and given back."""

import signal

import pytest

from ac_keras.training import StopSignal


@pytest.mark.parametrize(
    "sent", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGTERM] * 2]
)
def test_the_first_signal_is_noted_and_ctrl_c_after_it_ends_at_once(sent):
    with StopSignal() as signals:
        assert signals.received is None
        for number in sent:
            signal.raise_signal(number)
            assert signals.received == number.name
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signals.received == sent[0].name


def test_the_signals_are_given_back():
    before = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(ZeroDivisionError), StopSignal():
        assert signal.getsignal(signal.SIGTERM) != before[0]
        raise ZeroDivisionError
    after = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    assert after == before
