"""Lets Keras find the serializable classes of this package without importing them all.

`@keras.saving.register_keras_serializable` takes effect when the module of a class is imported. In
a process that has only imported `tf_facerecon`, `keras.models.load_model` would not find them, and
importing all of them along with `tf_facerecon` would import TensorFlow, too. Instead, as soon as
Keras is imported, a stand-in is registered under each name. It imports the class when Keras
deserializes it; the decorator of the class then replaces the stand-in.
"""

import importlib

import wrapt

PREFIX = "tf_facerecon"  # The `package` argument of the decorator.

# Registered class: module. A test compares the table with the decorators in the source.
CLASSES = {
    "BatchNormalization": "layers.fused_normalization",
    "CNet": "models.c_net",
    "ClipSpaceProjection": "layers.perspective_projection",
    "CoefficientHeads": "layers.coefficient_heads",
    "ContourLandmarks": "layers.contour_landmarks",
    "Conv2D": "layers.fused_convolution",
    "FaceDecoder": "layers.face_decoder",
    "FusedAdam": "training.fused_adam",
    "HybridModel": "models.hybrid_model",
    "IdentityAggregation": "layers.identity_aggregation",
    "IdentityNetwork": "models.identity_network",
    "ImageSetModel": "models.image_set_model",
    "LandmarkRefinement": "layers.landmark_refinement",
    "MeshRenderer": "layers.mesh_renderer",
    "MorphableFace": "layers.morphable_face",
    "PerspectiveProjection": "layers.perspective_projection",
    "PoseTransform": "layers.pose_transform",
    "RNet": "models.r_net",
    "SoftArgmax": "layers.soft_argmax",
    "SphericalHarmonicsIllumination": "layers.spherical_harmonics_illumination",
    "StepDecay": "training.learning_rate",
    "VertexNormals": "layers.vertex_normals",
}


class _StandIn:
    """What Keras finds under the name of a class that has not been imported yet.

    Like the class it builds objects when it is called, since `get_registered_object` returns it.
    """

    def __init__(self, name: str, module: str):
        self.__name__ = name
        self._module = module

    def __call__(self, *args, **kwargs):
        """Imports the class and builds an object of it."""
        return self._import_class()(*args, **kwargs)

    def from_config(self, config, *args, **kwargs):
        """Imports the class and builds the object; Keras calls it to deserialize."""
        return self._import_class().from_config(config, *args, **kwargs)

    def _import_class(self):
        return getattr(importlib.import_module(f"tf_facerecon.{self._module}"), self.__name__)


def register_on_import() -> None:
    """Registers all classes with Keras when it is imported, or now if it already has been."""
    wrapt.register_post_import_hook(_register, "keras")


def _register(keras) -> None:
    registered = keras.saving.get_custom_objects()
    for name, module in CLASSES.items():
        # A class that has been imported before has registered itself.
        registered.setdefault(f"{PREFIX}>{name}", _StandIn(name, module))
