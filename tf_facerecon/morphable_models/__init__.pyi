from .coefficients import CoefficientLayout as CoefficientLayout
from .expression_limits import (
    limit_coefficients as limit_coefficients,
    limit_expression as limit_expression,
)
from .jaw_contour import (
    JawLines as JawLines,
    jaw_lines as jaw_lines,
)
from .morphable_model import (
    MorphableModel as MorphableModel,
    face_model_folder as face_model_folder,
)
