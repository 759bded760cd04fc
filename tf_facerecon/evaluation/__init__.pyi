from .bootstrap import (
    Interval as Interval,
    area_under_curve_interval as area_under_curve_interval,
    mean_interval as mean_interval,
    ratio_interval as ratio_interval,
)
from .held_out_identities import held_out_face_model as held_out_face_model
from .image_set_evaluation import (
    evaluate_image_sets as evaluate_image_sets,
    take_sets as take_sets,
)
from .photo_pairs import PhotoPairs as PhotoPairs, choose_pairs as choose_pairs
from .result_table import ResultTable as ResultTable
from .verification import verification_scores as verification_scores
