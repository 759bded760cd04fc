from .confidence_figure import draw_confidence_figure as draw_confidence_figure
from .face_model_overview import model_overview as model_overview
from .face_panel import (
    draw_landmarks as draw_landmarks,
    draw_overlay as draw_overlay,
    draw_panel as draw_panel,
)
