"""Names of what can be saved: the `outputs` of `save`, and `--save` on the command line."""

from collections.abc import Iterable, Sequence

# Of a single photo: the files of each output, by what follows the stem in their names.
FACE_OUTPUTS = {
    "mesh": (".obj", ".mtl", "_texture.png"),
    "neutral": ("_neutral.obj", "_neutral.mtl", "_neutral_texture.png"),
    "overlay": ("_overlay.png",),
    "photo": ("_photo.png",),
    "json": (".json",),
    "npz": (".npz",),
}
# Of an image set. "posed" are the meshes with the expression and pose of a photo, whose name stands
# in place of `*`.
SET_OUTPUTS = {
    "mesh": (".obj", ".mtl", "_texture.png"),
    "posed": ("_*.obj", "_*.mtl", "_*_texture.png"),
    "confidence": ("_confidence.png",),
    "json": (".json",),
    "npz": (".npz",),
}


def choose(outputs: Iterable[str] | None, available: Iterable[str]) -> tuple[str, ...]:
    """The chosen outputs, each once, in the order of `available`; all of them for `None`.

    Args:
        outputs: Names, or one name.
        available: The names that there are.

    Raises:
        ValueError: If a name is unknown, or none is given.
    """
    available = tuple(available)
    if outputs is None:
        return available
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        received = ", ".join(map(repr, unknown)) or "none"
        raise ValueError(
            f"`outputs` must be one or more of {', '.join(available)}. Received: {received}."
        )
    return tuple(name for name in available if name in names)


def face_files(stem: str, outputs: Iterable[str]) -> list[str]:
    """Names of the files of one face, of outputs that `choose` returned."""
    return [f"{stem}{suffix}" for name in outputs for suffix in FACE_OUTPUTS[name]]


def set_files(stem: str, outputs: Iterable[str], photos: Sequence[str]) -> list[str]:
    """Names of the files of one image set, `photos` being the names of its photos."""
    return [
        f"{stem}{suffix.replace('*', photo)}"
        for name in outputs
        for suffix in SET_OUTPUTS[name]
        for photo in (photos if "*" in suffix else [""])
    ]
