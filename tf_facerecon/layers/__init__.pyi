from .coefficient_heads import CoefficientHeads as CoefficientHeads
from .contour_landmarks import ContourLandmarks as ContourLandmarks
from .face_decoder import FaceDecoder as FaceDecoder
from .identity_aggregation import (
    IdentityAggregation as IdentityAggregation,
    pad_sets as pad_sets,
)
from .landmark_refinement import LandmarkRefinement as LandmarkRefinement
from .mesh_renderer import MeshRenderer as MeshRenderer
from .morphable_face import MorphableFace as MorphableFace
from .perspective_projection import (
    ClipSpaceProjection as ClipSpaceProjection,
    PerspectiveProjection as PerspectiveProjection,
)
from .pose_transform import PoseTransform as PoseTransform
from .soft_argmax import SoftArgmax as SoftArgmax
from .spherical_harmonics_illumination import (
    SphericalHarmonicsIllumination as SphericalHarmonicsIllumination,
)
from .vertex_normals import VertexNormals as VertexNormals
