"""Optimizers of the settings in Keras, for any backend."""

import keras

from peers import setting as settings


def make_optimizer(setting: settings.Setting) -> keras.optimizers.Optimizer:
    """Returns the setting's optimizer, which clips by the global norm."""
    options = {
        "learning_rate": setting.learning_rate,
        "global_clipnorm": setting.clip_norm or None,
    }
    if setting.optimizer == "sgd":
        return keras.optimizers.SGD(**options)
    options["epsilon"] = settings.EPSILON
    if setting.optimizer == "adam":
        return keras.optimizers.Adam(**options)
    return keras.optimizers.RMSprop(rho=settings.RMSPROP_DECAY, **options)
