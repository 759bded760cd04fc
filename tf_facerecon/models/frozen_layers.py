"""Stores which sublayers of a network are frozen in its configuration, and freezes them again.

Keras stores `trainable` of a subclassed model alone; what its constructor makes would come back
trainable. Layers are stored by their positions: the names that Keras makes up depend on what else
was made in the process.
"""

import keras

KEY = "frozen_layers"


class KeepsFrozenLayers(keras.Model):
    """A model whose sublayers are made by its constructor and may be frozen one by one."""

    def get_config(self):
        """Keras' configuration, and the positions of frozen sublayers if there are any."""
        frozen = [i for i, layer in enumerate(_sublayers(self)) if not layer.trainable]
        return {**super().get_config(), **({KEY: frozen} if frozen else {})}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The network of `config`, with the same sublayers frozen."""
        config = dict(config)
        frozen = config.pop(KEY, ())
        model = super().from_config(config, custom_objects)
        if frozen:
            # Parents come before their sublayers, whose setting they would overwrite.
            for i, layer in enumerate(_sublayers(model)):
                layer.trainable = i not in frozen
        return model


def _sublayers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of all depths, parents first, in an order that the architecture determines."""
    return model._flatten_layers(include_self=False)
