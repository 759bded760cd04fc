"""3D faces from photographs, in TensorFlow 2 / Keras 3.

The names below are the public API; each is imported from its room when it is first used, so that
`import tf_facerecon` itself is light.
"""

import importlib

_PUBLIC = {
    "CNet": "models.c_net",
    "CoefficientLayout": "morphable_models.coefficients",
    "FaceDecoder": "layers.face_decoder",
    "FaceReconstruction": "inference.face_reconstruction",
    "FaceReconstructor": "inference.reconstructor",
    "HybridModel": "models.hybrid_model",
    "IdentityAggregation": "layers.identity_aggregation",
    "IdentityNetwork": "models.identity_network",
    "ImageSetReconstruction": "inference.image_set_reconstruction",
    "ImageSetReconstructor": "inference.image_set_reconstructor",
    "ImageSetModel": "models.image_set_model",
    "MeshRenderer": "layers.mesh_renderer",
    "MorphableFace": "layers.morphable_face",
    "MorphableModel": "morphable_models.morphable_model",
    "PerspectiveCamera": "geometry.camera",
    "RNet": "models.r_net",
    "align_face": "photos.face_alignment",
    "build_photo_dataset": "datasets.photo_dataset",
    "build_photo_set_dataset": "datasets.photo_set_dataset",
    "build_synthetic_dataset": "datasets.synthetic_dataset",
    "build_synthetic_set_dataset": "datasets.synthetic_set_dataset",
    "rasterize": "rendering.rasterizer",
    "read_obj": "io.mesh_files",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
