from .consistency import shape_consistency_loss as shape_consistency_loss
from .hybrid import (
    DEFAULT_LOSS_WEIGHTS as DEFAULT_LOSS_WEIGHTS,
    PAPER_LOSS_WEIGHTS as PAPER_LOSS_WEIGHTS,
    total_loss as total_loss,
)
from .landmark import five_point_loss as five_point_loss, landmark_loss as landmark_loss
from .perceptual import perceptual_loss as perceptual_loss
from .photometric import photometric_loss as photometric_loss, skin_attention as skin_attention
from .regularization import (
    albedo_flatness_loss as albedo_flatness_loss,
    coefficient_loss as coefficient_loss,
    squared_norm as squared_norm,
    white_light_loss as white_light_loss,
)
from .supervised import (
    albedo_loss as albedo_loss,
    coefficient_mse as coefficient_mse,
    dense_landmark_loss as dense_landmark_loss,
    vertex_loss as vertex_loss,
)
