"""Albedo of a face from masks of its features: mean colours and modes of variation.

Skin colour varies along melanin and haemoglobin axes (absorption in log RGB, here to first order),
brows, lips, eyes and stubble have modes of their own, and smooth random fields do the rest. What
mesh the masks lie on does not matter: the procedural face and scanned ones are painted alike.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.albedo import feature_masks

SKIN = np.array([0.680, 0.515, 0.430])
MELANIN = np.array([0.20, 0.27, 0.31])
HAEMOGLOBIN = np.array([0.02, 0.10, 0.085])
LIP = np.array([0.570, 0.320, 0.300])
MOUTH = np.array([0.160, 0.055, 0.055])
TEETH = np.array([0.700, 0.660, 0.600])
_BROW = np.array([0.270, 0.195, 0.160])
_HAIR = np.array([0.200, 0.158, 0.135])
_LASH = np.array([0.150, 0.110, 0.100])
_SCLERA = np.array([0.720, 0.690, 0.670])
_IRIS = np.array([0.290, 0.205, 0.155])
_PUPIL = np.array([0.050, 0.045, 0.045])
_NOSTRIL = np.array([0.200, 0.105, 0.085])

# What lips are given more or less of, RGB per standard deviation: redness, darkness.
LIP_MODES = ((0.020, -0.040, -0.030), (-0.050, -0.045, -0.035))
# Modes of named pigments and features; smooth fields follow them.
NUM_NAMED_MODES = 18
# Smooth fields: standard deviation along lightness, red-green and blue-yellow.
_FIELD_AXES = (
    (0.018, (0.62, 0.58, 0.53)),
    (0.006, (0.75, -0.45, -0.48)),
    (0.004, (0.10, 0.62, -0.78)),
)
_ASYMMETRY = 0.45


@dataclasses.dataclass(frozen=True, eq=False)
class FaceMasks:
    """Where the features of a face lie, `[V]` values in [0, 1] unless said otherwise.

    Attributes:
        s: Arc coordinates of `face_domain`, decimetres.
        t: Heights, decimetres.
        bare: 1 where colours vary from face to face, 0 inside the mouth.
        eye: The open eye between the lids.
        iris: Discs of the irises, pupils included; counts within `eye`.
        pupil: Discs of the pupils.
        lash: Lines of the lashes.
        lid_fold: Creases above the upper lids.
        lips: The red of the lips.
        mouth_corner: The dark pits in which the lips end.
        brow: Eyebrows.
        wide_brow: Thicker eyebrows.
        narrow_brow: Thinner eyebrows.
        nostril: Nostrils.
        hair: Hair of the head.
        hollow: Where little light of the sky gets to.
    """

    s: np.ndarray
    t: np.ndarray
    bare: np.ndarray
    eye: np.ndarray
    iris: np.ndarray
    pupil: np.ndarray
    lash: np.ndarray
    lid_fold: np.ndarray
    lips: np.ndarray
    mouth_corner: np.ndarray
    brow: np.ndarray
    wide_brow: np.ndarray
    narrow_brow: np.ndarray
    nostril: np.ndarray
    hair: np.ndarray
    hollow: np.ndarray

    @classmethod
    def on_domain(cls, s: np.ndarray, t: np.ndarray, bare: np.ndarray) -> "FaceMasks":
        """Masks of the typical face at domain coordinates `s`, `t` `[V]`."""
        return cls(
            s=s,
            t=t,
            bare=bare,
            eye=feature_masks.eye_opening(s, t),
            iris=feature_masks.iris(s, t),
            pupil=feature_masks.iris(s, t, feature_masks.PUPIL_RADIUS),
            lash=feature_masks.lash_line(s, t),
            lid_fold=feature_masks.lid_fold(s, t),
            lips=feature_masks.lips(s, t),
            mouth_corner=feature_masks.mouth_corner(s, t),
            brow=feature_masks.brow(s, t),
            wide_brow=feature_masks.brow(s, t, 1.4),
            narrow_brow=feature_masks.brow(s, t, 0.7),
            nostril=feature_masks.nostril(s, t),
            hair=feature_masks.hair(s, t),
            hollow=feature_masks.hollows(s, t),
        )


def mean_colours(masks: FaceMasks) -> np.ndarray:
    """Colours `[V, 3]` of the mean face, RGB in [0, 1], but for the inside of the mouth."""
    s, t = masks.s, masks.t
    colours = np.tile(SKIN, (s.size, 1))
    flush = 0.9 * feature_masks.spot(s, t, 0.42, 0.0, 0.16, 0.14) + 0.8 * feature_masks.spot(
        s, t, 0.0, -0.06, 0.10, 0.09
    )
    shade = (
        0.9 * masks.hollow
        + 0.35 * feature_masks.spot(s, t, 0.30, 0.215, 0.10, 0.03)
        + 0.3 * feature_masks.spot(s, t, 0.14, 0.30, 0.05, 0.06)
    )
    colours *= np.exp(-flush[:, None] * HAEMOGLOBIN - shade[:, None] * MELANIN)
    colours = blend(colours, 0.35 * masks.lid_fold, _LASH)
    colours = blend(colours, 0.85 * masks.lips, LIP)
    colours = blend(colours, 0.45 * masks.mouth_corner, MOUTH)
    colours = blend(colours, 0.80 * masks.brow, _BROW)
    colours = blend(colours, 0.85 * masks.nostril, _NOSTRIL)
    colours = blend(colours, masks.eye, _SCLERA)
    colours = blend(colours, masks.eye * masks.iris, _IRIS)
    colours = blend(colours, masks.eye * masks.pupil, _PUPIL)
    colours = blend(colours, 0.9 * masks.lash, _LASH)
    return blend(colours, masks.hair, _HAIR)


def colour_modes(
    masks: FaceMasks,
    colours: np.ndarray,
    fields: dict[str, tuple[np.ndarray, np.ndarray]],
    num_modes: int,
    lip_modes: tuple[tuple[float, ...], ...] = LIP_MODES,
) -> np.ndarray:
    """Albedo modes per unit standard deviation, strongest kinds first.

    Args:
        masks: Where the features lie.
        colours: `[V, 3]` mean colours.
        fields: For "even" and "odd" (under the mirror) the variances `[K]`, descending, and the
            values `[V, K]` of smooth random fields of unit variance; K at least `num_modes` less
            `NUM_NAMED_MODES`, unless the two together have fewer.
        num_modes: How many modes.
        lip_modes: RGB of the two modes of the lips: redness and darkness.

    Returns:
        `[V, 3, num_modes]` RGB.
    """
    modes = _skin_modes(masks, colours) + _feature_modes(masks, lip_modes)
    smooth = _smooth_modes(fields, num_modes - len(modes))
    quiet = 1.0 - 0.8 * np.maximum(masks.eye, masks.hair)
    smooth = smooth * (masks.bare * quiet)[:, None, None]
    return np.concatenate([np.stack(modes, axis=-1), smooth], axis=-1)


def blend(colours: np.ndarray, mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Moves `colours` `[V, 3]` towards the colour `target` `[3]` by the shares `mask` `[V]`."""
    return colours + mask[:, None] * (target - colours)


def _skin_modes(masks: FaceMasks, colours: np.ndarray) -> list[np.ndarray]:
    """Large colour axes: melanin, haemoglobin, and where blood and shadow gather."""
    s, t, bare, spot = masks.s, masks.t, masks.bare, feature_masks.spot
    # The white of the eye keeps its colour on dark and on fair faces.
    body = (bare * (1.0 - 0.85 * masks.eye))[:, None] * colours
    # Hair takes more of the melanin than skin does: brows stay darker than a dark face.
    hairs = feature_masks.smooth_step(np.maximum(masks.brow, masks.hair), 0.5, 0.9)
    hairs = 1.0 + 0.35 * hairs[:, None]
    cheeks = spot(s, t, 0.42, 0.02, 0.16, 0.13)
    nose = spot(s, t, 0.0, -0.05, 0.11, 0.09)
    under_eye = spot(s, t, 0.31, 0.215, 0.10, 0.035)
    stubble = feature_masks.smooth_step(t, -0.04, -0.42) * (1.0 - masks.lips)
    stubble = stubble * feature_masks.smooth_step(np.abs(s), 1.15, 0.85)
    moustache = spot(s, t, 0.08, -0.235, 0.10, 0.035) * (1.0 - masks.lips)
    beard = np.maximum(stubble * spot(s, t, 0.45, -0.55, 0.5, 0.28), moustache)
    return [
        -0.85 * hairs * body * MELANIN,
        -0.45 * body * HAEMOGLOBIN,
        -0.55 * (bare * beard)[:, None] * colours * np.array([0.20, 0.17, 0.14]),
        -0.30 * (bare * cheeks)[:, None] * colours * HAEMOGLOBIN,
        -0.28 * (bare * nose)[:, None] * colours * HAEMOGLOBIN,
        -0.30 * (bare * under_eye)[:, None] * colours * MELANIN,
        0.02 * body * np.array([1.0, 0.3, -1.0]),
    ]


def _feature_modes(masks: FaceMasks, lip_modes: tuple[tuple[float, ...], ...]) -> list[np.ndarray]:
    """Brows and hair (darkness, thickness, colour), lips, iris, sclera, nostrils."""
    bare = masks.bare
    hairs = np.maximum(masks.brow, masks.hair) * bare
    thicker = (masks.wide_brow - masks.narrow_brow) * bare
    lips = masks.lips * bare
    eye = masks.eye * bare
    iris = eye * (masks.iris - masks.pupil)
    sclera = eye * (1.0 - masks.iris)
    table = (
        (hairs, (-0.060, -0.056, -0.050)),
        (thicker, (-0.090, -0.080, -0.070)),
        (hairs, (0.025, 0.008, -0.008)),
        (lips, lip_modes[0]),
        (lips, lip_modes[1]),
        (iris, (-0.030, 0.030, 0.075)),
        (iris, (0.060, 0.060, 0.050)),
        (sclera, (-0.040, -0.045, -0.050)),
        (masks.lid_fold * bare, (-0.060, -0.060, -0.055)),
        (masks.nostril * bare, (-0.040, -0.030, -0.030)),
        (masks.lash * bare, (-0.050, -0.050, -0.045)),
    )
    return [mask[:, None] * np.array(colour) for mask, colour in table]


def _smooth_modes(fields: dict[str, tuple[np.ndarray, np.ndarray]], num_modes: int) -> np.ndarray:
    """Smooth colour fields, strongest first, `[V, 3, num_modes]`."""
    candidates = [
        (amplitude**2 * share * values[k], amplitude * np.sqrt(share) * scalars[:, k], axis)
        for amplitude, axis in _FIELD_AXES
        for share, (values, scalars) in ((1.0, fields["even"]), (_ASYMMETRY, fields["odd"]))
        for k in range(len(values))
    ]
    candidates.sort(key=lambda item: -item[0])
    return np.stack(
        [field[:, None] * np.array(axis) for _, field, axis in candidates[:num_modes]], axis=-1
    )
