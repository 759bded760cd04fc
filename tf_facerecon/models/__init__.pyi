from .arcface import ArcFace as ArcFace, load_arcface as load_arcface
from .c_net import CNet as CNet
from .converters.arcface_pytorch import convert_arcface_weights as convert_arcface_weights
from .converters.deep3d_weights import convert_deep3d_weights as convert_deep3d_weights
from .facenet import FaceNet as FaceNet, load_facenet as load_facenet
from .hybrid_model import HybridModel as HybridModel
from .identity_network import (
    IdentityNetwork as IdentityNetwork,
    load_identity_network as load_identity_network,
)
from .image_set_model import ImageSetModel as ImageSetModel
from .mobilefacenet import (
    MobileFaceNet as MobileFaceNet,
    load_mobilefacenet as load_mobilefacenet,
)
from .presets import load_preset as load_preset, save_preset as save_preset
from .r_net import RNet as RNet
