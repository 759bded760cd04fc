"""3D faces from photographs, in TensorFlow 2 / Keras 3.

The names below are the public API; each is imported from its room when it is first used, so that
`import tf_facerecon` itself is light.
"""

import importlib

_PUBLIC = {
    "CNet": "networks.c_net",
    "CoefficientLayout": "face_models.coefficients",
    "FaceDecoder": "decoding.face_decoder",
    "FaceReconstruction": "inference.reconstruction",
    "FaceReconstructor": "inference.reconstructor",
    "HybridModel": "models.hybrid_model",
    "IdentityAggregation": "networks.identity_aggregation",
    "IdentityNetwork": "networks.face_recognition",
    "ImageSetReconstruction": "inference.image_set_result",
    "ImageSetReconstructor": "inference.image_set",
    "ImageSetModel": "models.image_set_model",
    "MeshRenderer": "rendering.mesh_renderer",
    "MorphableFace": "face_models.morphable_layer",
    "MorphableModel": "face_models.morphable_model",
    "PerspectiveCamera": "geometry.camera",
    "RNet": "networks.r_net",
    "align_face": "photos.face_alignment",
    "build_photo_dataset": "data.photo_folder",
    "build_photo_set_dataset": "data.photo_sets",
    "build_procedural_dataset": "data.procedural_stream",
    "build_procedural_set_dataset": "data.procedural_sets",
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
