from .efid import expression_frechet_distance as expression_frechet_distance
from .embedding_distance import (
    cosine_similarities as cosine_similarities,
    embedding_distances as embedding_distances,
)
from .image_error import photometric_error as photometric_error
from .landmark_error import (
    interocular_error as interocular_error,
    normalized_mean_error as normalized_mean_error,
)
from .mesh_alignment import align_mesh_to_scan as align_mesh_to_scan
from .scan_to_mesh import (
    distance_statistics as distance_statistics,
    micc_error_mm as micc_error_mm,
    now_distances_mm as now_distances_mm,
)
from .vertex_distance import (
    vertex_distance_mm as vertex_distance_mm,
    vertex_offsets_mm as vertex_offsets_mm,
)
