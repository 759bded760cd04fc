"""Texture of a person from several photos, blended by visibility and confidence."""

from collections.abc import Iterable

import numpy as np

from tf_facerecon.export import texture_projection
from tf_facerecon.io import image_files

_MAX_GAIN = 4.0


def blend_photos(
    texels: texture_projection.Texels,
    albedo: np.ndarray,
    photos: Iterable[tuple[texture_projection.Projection, np.ndarray]],
) -> np.ndarray:
    """Blends photos in texture space.

    The weight of a photo in a texel is its visibility there times its share in the surface there.
    Photos differ in exposure and colour of the light: before blending, each is scaled so that its
    mean colour is that of the albedo over the same surface. What no photo shows has the albedo.

    Args:
        texels: Of the person's mesh.
        albedo: `[V, 3]` of the person, about 0 to 1.
        photos: Projections, each with the photo's share in each vertex, `[V]`; see
            `confidence_shares.vertex_shares`.

    Returns:
        `[size, size, 3]` uint8 RGB, row 0 at v = 1.
    """
    fragments = texels.fragments
    fitted = fragments.interpolate(np.clip(albedo, 0.0, 1.0))
    total = np.zeros(fitted.shape, np.float32)
    total_weight = np.zeros(len(fitted), np.float32)
    seen = np.zeros(len(fitted), np.float32)
    for projection, share in photos:
        gain = texture_projection.gain(
            texture_projection.mean_colour(fitted, projection.visibility),
            texture_projection.mean_colour(projection.sampled, projection.visibility),
            _MAX_GAIN,
        )
        weight = projection.visibility * fragments.interpolate(share[:, np.newaxis])[:, 0]
        total += weight[:, np.newaxis] * np.clip(projection.sampled * gain, 0.0, 1.0)
        total_weight += weight
        np.maximum(seen, projection.visibility, out=seen, where=weight > 0)
    blended = total / np.where(total_weight > 0, total_weight, 1.0)[:, np.newaxis]
    alpha = texture_projection.feather(seen, fragments)[:, np.newaxis]
    return image_files.to_uint8(fitted + alpha * (blended - fitted))[texels.nearest]
