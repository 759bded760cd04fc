from . import (
    datasets as datasets,
    evaluation as evaluation,
    export as export,
    geometry as geometry,
    inference as inference,
    io as io,
    layers as layers,
    lighting as lighting,
    losses as losses,
    metrics as metrics,
    models as models,
    morphable_models as morphable_models,
    photos as photos,
    rendering as rendering,
    training as training,
    visualization as visualization,
)
from .datasets.photo_dataset import build_photo_dataset as build_photo_dataset
from .datasets.photo_set_dataset import build_photo_set_dataset as build_photo_set_dataset
from .datasets.synthetic_dataset import build_synthetic_dataset as build_synthetic_dataset
from .datasets.synthetic_set_dataset import (
    build_synthetic_set_dataset as build_synthetic_set_dataset,
)
from .geometry.camera import PerspectiveCamera as PerspectiveCamera
from .inference.face_reconstruction import FaceReconstruction as FaceReconstruction
from .inference.image_set_reconstruction import ImageSetReconstruction as ImageSetReconstruction
from .inference.image_set_reconstructor import ImageSetReconstructor as ImageSetReconstructor
from .inference.reconstructor import FaceReconstructor as FaceReconstructor
from .io.mesh_files import read_obj as read_obj
from .layers.face_decoder import FaceDecoder as FaceDecoder
from .layers.identity_aggregation import IdentityAggregation as IdentityAggregation
from .layers.mesh_renderer import MeshRenderer as MeshRenderer
from .layers.morphable_face import MorphableFace as MorphableFace
from .layers.perspective_projection import PerspectiveProjection as PerspectiveProjection
from .layers.pose_transform import PoseTransform as PoseTransform
from .layers.spherical_harmonics_illumination import (
    SphericalHarmonicsIllumination as SphericalHarmonicsIllumination,
)
from .models.c_net import CNet as CNet
from .models.hybrid_model import HybridModel as HybridModel
from .models.identity_network import IdentityNetwork as IdentityNetwork
from .models.image_set_model import ImageSetModel as ImageSetModel
from .models.r_net import RNet as RNet
from .morphable_models.coefficients import CoefficientLayout as CoefficientLayout
from .morphable_models.morphable_model import MorphableModel as MorphableModel
from .photos.face_alignment import align_face as align_face
from .rendering.rasterizer import rasterize as rasterize
