"""Files of an image set: the person, the person in each photograph, who gave what."""

import os
import pathlib
from collections.abc import Iterable

import numpy as np

from tf_facerecon.core import package_versions
from tf_facerecon.export import face_files
from tf_facerecon.io import file_groups, image_files, json_files, mesh_files


def save(
    result,
    folder: str | os.PathLike,
    stem: str,
    *,
    overwrite: bool = False,
    keep: Iterable[str | os.PathLike] = (),
) -> list[pathlib.Path]:
    """Writes every file of `ImageSetReconstruction.save`, which documents it."""
    photos = [image.source_path for image in result.images if image.source_path is not None]
    return file_groups.write_together(
        folder,
        stem,
        file_names(result, stem),
        lambda temporary: _write_all(result, temporary, stem),
        overwrite=overwrite,
        keep=[*keep, *photos],
    )


def file_names(result, stem: str) -> list[str]:
    """Names of all files of a set."""
    posed = [posed_name(stem, image) for image in result.images]
    return [f"{stem}.obj", f"{stem}.json", f"{stem}.npz", f"{stem}_confidence.png", *posed]


def posed_name(stem: str, image) -> str:
    """File of the person as in one photograph."""
    return f"{stem}_{image.name}.obj"


def is_even(shares: np.ndarray) -> bool:
    """Whether all photographs that count `[N]` gave the same: rounding must not choose a leader."""
    given = shares[shares > 0]
    return given.size > 1 and np.ptp(given) < 1e-3


def summary(result, stem: str) -> dict:
    """Everything but meshes and pictures, in plain numbers and text for JSON."""
    names = [image.name for image in result.images]
    overall = result.coefficient_shares.mean(axis=1)
    model = result.decoder.face_model
    return {
        "aggregate": result.aggregate,
        "identity": result.identity,
        "texture": result.texture,
        "face_model": {"name": model.name, "fingerprint": model.fingerprint},
        "regions": {
            region: {
                "most_from": None if is_even(shares) else names[int(np.argmax(shares))],
                "shares": dict(zip(names, shares, strict=True)),
            }
            for region, shares in result.region_shares().items()
        },
        "images": [
            _describe(image, share, posed_name(stem, image))
            for image, share in zip(result.images, overall, strict=True)
        ],
        "failures": dict(result.failures),
        "warnings": list(result.warnings),
        "units": {
            **face_files.UNITS,
            "share": "part of the identity that a photograph gave; 1 over all photographs",
            "embedding_distance": "1 - cosine of identity embeddings, median over the others",
        },
        "versions": package_versions.package_versions(),
    }


def _describe(image, share: float, mesh: str) -> dict:
    width, height = image.photo_size
    angles = np.degrees(np.asarray(image.coefficients["rotation"], np.float64))
    return {
        "name": image.name,
        "source": image.source,
        "mesh": mesh,
        "share": share,
        "confidence": image.confidence,
        "duplicate_of": image.duplicate_of,
        "embedding_distance": image.embedding_distance,
        "photo_size": {"width": width, "height": height},
        "box": dict(zip(("x", "y", "width", "height"), image.box, strict=True)),
        "detection_confidence": image.detection_confidence,
        "found_points": {"photo": image.found_points},
        "crop_matrix": image.crop_transform.matrix,
        "rotation_degrees": dict(zip(("pitch", "yaw", "roll"), angles, strict=True)),
        "coefficients": image.coefficients,
    }


def _write_all(result, folder: pathlib.Path, stem: str) -> None:
    triangles = result.decoder.face_model.triangles
    _write_mesh(folder / f"{stem}.obj", result.neutral_vertices, triangles, result.albedo)
    for index, image in enumerate(result.images):
        vertices, albedo = result.posed(index)
        _write_mesh(folder / posed_name(stem, image), vertices, triangles, albedo)
    image_files.write_image(folder / f"{stem}_confidence.png", result.confidence_figure())
    json_files.write_json(folder / f"{stem}.json", summary(result, stem))
    np.savez_compressed(
        folder / f"{stem}.npz",
        identity=result.identity,
        texture=result.texture,
        neutral_vertices=result.neutral_vertices,
        triangles=triangles,
        names=np.array([image.name for image in result.images]),
        counted=result.counted,
        image_identity=np.stack([image.coefficients["identity"] for image in result.images]),
        confidence=np.stack([image.confidence for image in result.images]),
        coefficient_shares=result.coefficient_shares,
        vertex_shares=result.vertex_shares().astype(np.float32),
    )


def _write_mesh(path, vertices, triangles, albedo):
    mesh_files.write_obj(path, vertices, triangles, colours=np.clip(albedo, 0.0, 1.0))
