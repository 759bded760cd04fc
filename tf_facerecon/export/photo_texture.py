"""Texture extraction: the photo where the surface is visible, the fitted colours elsewhere."""

import numpy as np

from tf_facerecon.export import texture_projection
from tf_facerecon.io import image_files
from tf_facerecon.results.fitted_face import FittedFace
from tf_facerecon.visualization import crop_resampling, mesh_rendering

TEXTURE_SIZE = 1024
_MAX_GAIN = 2.0


def extract_texture(
    face: FittedFace, view: mesh_rendering.CameraView, size: int = TEXTURE_SIZE
) -> np.ndarray:
    """Unwraps the photo into the texture space of the mesh.

    The weight of the photo in a texel depends on the angle between surface and viewing direction,
    and is 0 where the mesh occludes itself and outside the photo. The rest is filled with the
    fitted colours, scaled to the photo's mean colour so that the transition is not visible. The
    illumination of the photo is baked in. Texels that no triangle covers repeat the nearest covered
    one, so that texture filtering does not blend in a background.

    Args:
        face: The face.
        view: Of `mesh_rendering.render_camera_view(face)`; its depth map resolves occlusion.
        size: Texels on each side.

    Returns:
        `[size, size, 3]` uint8 RGB, row 0 at v = 1.
    """
    mesh = texture_projection.UvMesh.create(
        face.uv, face.uv_triangles, face.triangles, len(face.vertices)
    )
    texels = texture_projection.cover_texels(mesh, size)
    photo, inside = crop_resampling.resample_crop(face.photo, face.crop_transform, size)
    projection = texture_projection.project_photo(
        texels.fragments,
        vertices=face.vertices,
        normals=face.normals,
        colours=face.colours,
        camera=face.camera,
        crop=photo,
        inside=inside,
        depth=view.depth,
    )
    visibility, sampled, fitted = projection.visibility, projection.sampled, projection.fitted
    photo_mean, fitted_mean = (
        texture_projection.mean_colour(colours, visibility) for colours in (sampled, fitted)
    )
    gain = texture_projection.gain(photo_mean, fitted_mean, _MAX_GAIN)
    weight = texture_projection.feather(visibility, texels.fragments)
    texture = np.empty(fitted.shape, np.uint8)
    for channel in range(3):
        colour = np.clip(fitted[:, channel] * gain[channel], 0.0, 1.0)
        colour += weight * (sampled[:, channel] - colour)
        texture[:, channel] = image_files.to_uint8(colour)
    return texture[texels.nearest]
