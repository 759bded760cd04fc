from .bootstrap import (
    Interval as Interval,
    mean_interval as mean_interval,
    ratio_interval as ratio_interval,
)
from .held_out_identities import held_out_face_model as held_out_face_model
from .image_set_evaluation import (
    evaluate_image_sets as evaluate_image_sets,
    take_sets as take_sets,
)
from .result_table import ResultTable as ResultTable
from .verification import verification_scores as verification_scores
