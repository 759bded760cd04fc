"""Procedural albedo: mean colours and modes of variation from masks of the facial features.

Skin colour varies along melanin and haemoglobin axes (absorption in log RGB, here to first order);
brows, lips, eyes and stubble have separate modes; smooth random fields account for the rest. It
works on any mesh that has the masks: the procedural face and scanned ones.
"""

import dataclasses

import numpy as np

from tf_facerecon.morphable_models.parameterization import feature_masks

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

# Variation of the lips, RGB per standard deviation: redness, darkness.
LIP_MODES = ((0.020, -0.040, -0.030), (-0.050, -0.045, -0.035))
# Modes of chromophores and features; smooth random fields follow them.
NUM_NAMED_MODES = 18
# Smooth random fields: standard deviation along lightness, red-green and blue-yellow.
_FIELD_AXES = (
    (0.018, (0.62, 0.58, 0.53)),
    (0.006, (0.75, -0.45, -0.48)),
    (0.004, (0.10, 0.62, -0.78)),
)
_ASYMMETRY = 0.45


@dataclasses.dataclass(frozen=True, eq=False)
class FaceMasks:
    """Soft masks of the facial features, `[V]` values in [0, 1] unless documented otherwise.

    Attributes:
        s: Arc coordinates in `face_domain`, decimetres.
        t: Heights, decimetres.
        exterior: 1 where albedo varies between faces, 0 inside the mouth.
        eye: The visible eye between the lids.
        iris: Irises, including pupils; used within `eye`.
        pupil: Pupils.
        lash: Eyelashes.
        lid_fold: Creases above the upper lids.
        lips: Vermilion of the lips.
        mouth_corner: Dark corners of the mouth.
        brow: Eyebrows.
        wide_brow: Thicker eyebrows.
        narrow_brow: Thinner eyebrows.
        nostril: Nostrils.
        hair: Hair of the head.
        concavity: Concave areas with strong ambient occlusion.
    """

    s: np.ndarray
    t: np.ndarray
    exterior: np.ndarray
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
    concavity: np.ndarray

    @classmethod
    def on_domain(cls, s: np.ndarray, t: np.ndarray, exterior: np.ndarray) -> "FaceMasks":
        """Masks of the average face at domain coordinates `s`, `t` `[V]`."""
        return cls(
            s=s,
            t=t,
            exterior=exterior,
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
            concavity=feature_masks.concavities(s, t),
        )


def mean_colours(masks: FaceMasks) -> np.ndarray:
    """Mean albedo `[V, 3]`, RGB in [0, 1], except inside the mouth."""
    s, t = masks.s, masks.t
    colours = np.tile(SKIN, (s.size, 1))
    flush = 0.9 * feature_masks.spot(s, t, 0.42, 0.0, 0.16, 0.14) + 0.8 * feature_masks.spot(
        s, t, 0.0, -0.06, 0.10, 0.09
    )
    shade = (
        0.9 * masks.concavity
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


def albedo_modes(
    masks: FaceMasks,
    colours: np.ndarray,
    fields: dict[str, tuple[np.ndarray, np.ndarray]],
    num_modes: int,
    lip_modes: tuple[tuple[float, ...], ...] = LIP_MODES,
) -> np.ndarray:
    """Albedo modes per unit standard deviation: named modes first, then smooth random fields.

    Args:
        masks: Masks of the facial features.
        colours: `[V, 3]` mean albedo.
        fields: For "even" and "odd" (mirror-symmetric and antisymmetric) the variances `[K]`,
            descending, and the values `[V, K]` of smooth random fields of unit variance; K at least
            `num_modes - NUM_NAMED_MODES`, unless the two together have fewer.
        num_modes: Number of modes.
        lip_modes: RGB of the two lip modes: redness and darkness.

    Returns:
        `[V, 3, num_modes]` RGB.
    """
    modes = _skin_modes(masks, colours) + _feature_modes(masks, lip_modes)
    smooth = _smooth_modes(fields, num_modes - len(modes))
    quiet = 1.0 - 0.8 * np.maximum(masks.eye, masks.hair)
    smooth = smooth * (masks.exterior * quiet)[:, None, None]
    return np.concatenate([np.stack(modes, axis=-1), smooth], axis=-1)


def blend(colours: np.ndarray, mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Alpha-blends `colours` `[V, 3]` with the colour `target` `[3]`, opacity `mask` `[V]`."""
    return colours + mask[:, None] * (target - colours)


def _skin_modes(masks: FaceMasks, colours: np.ndarray) -> list[np.ndarray]:
    """Global melanin and haemoglobin, and local variation of stubble, cheeks, nose, under-eye."""
    s, t, exterior, spot = masks.s, masks.t, masks.exterior, feature_masks.spot
    # The sclera keeps its colour on dark and on fair faces.
    body = (exterior * (1.0 - 0.85 * masks.eye))[:, None] * colours
    # Hair absorbs more than skin: brows stay darker than dark skin.
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
        -0.55 * (exterior * beard)[:, None] * colours * np.array([0.20, 0.17, 0.14]),
        -0.30 * (exterior * cheeks)[:, None] * colours * HAEMOGLOBIN,
        -0.28 * (exterior * nose)[:, None] * colours * HAEMOGLOBIN,
        -0.30 * (exterior * under_eye)[:, None] * colours * MELANIN,
        0.02 * body * np.array([1.0, 0.3, -1.0]),
    ]


def _feature_modes(masks: FaceMasks, lip_modes: tuple[tuple[float, ...], ...]) -> list[np.ndarray]:
    """Brows and hair (darkness, thickness, colour), lips, iris, sclera, nostrils."""
    exterior = masks.exterior
    hairs = np.maximum(masks.brow, masks.hair) * exterior
    thicker = (masks.wide_brow - masks.narrow_brow) * exterior
    lips = masks.lips * exterior
    eye = masks.eye * exterior
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
        (masks.lid_fold * exterior, (-0.060, -0.060, -0.055)),
        (masks.nostril * exterior, (-0.040, -0.030, -0.030)),
        (masks.lash * exterior, (-0.050, -0.050, -0.045)),
    )
    return [mask[:, None] * np.array(colour) for mask, colour in table]


def _smooth_modes(fields: dict[str, tuple[np.ndarray, np.ndarray]], num_modes: int) -> np.ndarray:
    """Smooth random colour fields, by descending variance, `[V, 3, num_modes]`."""
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
