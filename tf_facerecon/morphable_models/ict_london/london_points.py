"""The 189 hand-set points of the Face Research Lab London Set, and where they lie on a face.

Convention:
    Numbers from 0, as in the set's template files; left and right as seen in the image. iBUG
    numbers as in CONVENTIONS.md.

Source: DeBruine and Jones 2017, doi 10.6084/m9.figshare.5047666; the correspondences below were
measured on the points of 80 people.
"""

NUM_POINTS = 189
# The outline of each iris, clockwise from its top; lids may hide the first one.
IRISES = (tuple(range(2, 10)), tuple(range(10, 18)))
# Outlines of the open eyes.
EYE_OUTLINES = ((18, 19, 20, 21, 22, 30, 29, 28), (23, 24, 25, 26, 27, 33, 32, 31))
# The face without hair, ears and neck: hairline, right side, jaw, left side.
FACE_OUTLINE = (*range(134, 145), 112, 113, 114, *range(133, 124, -1), 111, 110, 109)
# The neck below the chin, where no hair lies.
NECK_OUTLINE = (127, 128, 129, 130, 131, 184, 183)

# Points that are places of a face for which iBUG has landmarks: (point, landmark, second landmark,
# how far it lies from the first to the second).
ANCHORS = (
    *((18, 36, 37, 0.0), (19, 37, 36, 0.10), (21, 38, 39, 0.20), (22, 39, 38, 0.0)),
    *((30, 40, 39, 0.15), (28, 41, 36, 0.22)),
    *((23, 42, 43, 0.0), (24, 43, 42, 0.20), (26, 44, 45, 0.10), (27, 45, 44, 0.0)),
    *((33, 46, 45, 0.22), (31, 47, 42, 0.15)),
    *((87, 48, 49, 0.0), (88, 49, 50, 0.0), (89, 50, 51, 0.0), (90, 51, 50, 0.0)),
    *((91, 52, 51, 0.0), (92, 53, 52, 0.0), (93, 54, 53, 0.0)),
    *((108, 55, 54, 0.10), (107, 56, 55, 0.10), (106, 57, 56, 0.0)),
    *((105, 58, 59, 0.10), (104, 59, 48, 0.10)),
    *((95, 61, 62, 0.15), (96, 62, 61, 0.0), (97, 63, 62, 0.15)),
    *((102, 65, 66, 0.50), (101, 66, 65, 0.0), (100, 67, 66, 0.50)),
)
# Points half way between two landmarks along the edge of a lid.
LID_MIDDLES = ((20, 37, 38), (25, 43, 44), (29, 41, 40), (32, 47, 46))
# Points on the front of the face that are registered. Not among them: irises, which move; lid
# creases; the outlines of ears, neck and hair, which are no fixed places of a face.
FACE_POINTS = (*range(18, 34), *range(44, 109), *range(158, 183), *range(126, 133))
# Along the jaw, where points slide with the outline; they count less.
SLIDING_POINTS = tuple(range(126, 133))
SLIDING_WEIGHT = 0.3
# Landmarks that are moved to where people set these points: the kit has brows a few millimetres
# higher and the base of the nose lower. Pairs of (landmark, point), left and middle; the right
# side is the mirror image of the left one.
MOVED_LANDMARKS = (
    *((17, 71), (18, 72), (19, 73), (20, 74), (21, 75)),
    *((31, 64), (32, 180), (33, 55)),
)
# Mirror images: of landmarks, and of the points above.
MIRRORED_LANDMARKS = {17: 26, 18: 25, 19: 24, 20: 23, 21: 22, 31: 35, 32: 34, 33: 33}
MIRRORED_POINTS = {71: 82, 72: 81, 73: 80, 74: 79, 75: 78, 64: 69, 180: 181, 55: 55}
