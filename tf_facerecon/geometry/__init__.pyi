from .camera import (
    PerspectiveCamera as PerspectiveCamera,
    extrinsics_matrix as extrinsics_matrix,
    intrinsics_matrix as intrinsics_matrix,
    project as project,
    to_clip_space as to_clip_space,
    world_to_camera as world_to_camera,
)
from .contour_points import outermost_candidates as outermost_candidates
from .face_landmarks import five_points_from_landmarks as five_points_from_landmarks
from .mesh_normals import (
    VertexIncidence as VertexIncidence,
    triangle_normals as triangle_normals,
    vertex_incidence as vertex_incidence,
    vertex_normals as vertex_normals,
)
from .rigid_transforms import (
    pose_matrix as pose_matrix,
    rigid_transform as rigid_transform,
    rotate as rotate,
)
from .rotations import (
    euler_from_rotation_matrix as euler_from_rotation_matrix,
    rotation_matrix_from_euler as rotation_matrix_from_euler,
)
from .similarity_alignment import (
    apply_similarity as apply_similarity,
    similarity_transform as similarity_transform,
)
from .similarity_warp import (
    arcface_matrix as arcface_matrix,
    warp_by_similarity as warp_by_similarity,
)
