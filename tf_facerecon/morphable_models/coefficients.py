"""Layout of the coefficient vector of a face; no other module depends on the order of its groups.

Convention:
    identity (alpha), expression (beta), texture (delta), rotation (Euler x, y, z in radians),
    lighting (gamma: nine harmonics for R, then G, then B; or nine for white light), translation
    (decimetres). 257 values in the released code of Deng et al. 2019, 239 in the paper (white
    light).
"""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

NUM_HARMONICS = 9
GROUPS = ("identity", "expression", "texture", "rotation", "lighting", "translation")


@dataclasses.dataclass(frozen=True)
class CoefficientLayout:
    """Widths of the groups, in the order of the vector.

    Raises:
        ValueError: If a width is not positive, `lighting` is neither 9 (white light) nor 27 (RGB),
            or `rotation` or `translation` is not 3.
    """

    identity: int = 80
    expression: int = 64
    texture: int = 80
    rotation: int = 3
    lighting: int = 3 * NUM_HARMONICS
    translation: int = 3

    def __post_init__(self) -> None:
        for name, size in self.sizes.items():
            if size < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={size}.")
        if self.lighting not in (NUM_HARMONICS, 3 * NUM_HARMONICS):
            raise ValueError(
                "`lighting` must be 9 (white light) or 27 (RGB light). "
                f"Received: lighting={self.lighting}."
            )
        if (self.rotation, self.translation) != (3, 3):
            raise ValueError(
                "`rotation` and `translation` must be 3. "
                f"Received: rotation={self.rotation}, translation={self.translation}."
            )

    @property
    def sizes(self) -> dict[str, int]:
        """Width of each group, in order."""
        return {name: getattr(self, name) for name in GROUPS}

    @property
    def total(self) -> int:
        """Width of the whole vector."""
        return sum(self.sizes.values())

    @property
    def slices(self) -> dict[str, slice]:
        """Position of each group in the vector."""
        ends = np.cumsum(list(self.sizes.values())).tolist()
        starts = [0, *ends[:-1]]
        return {name: slice(a, b) for name, a, b in zip(GROUPS, starts, ends, strict=True)}

    def split(self, coefficients: Any) -> dict[str, Any]:
        """Splits `coefficients` `[..., total]`, a NumPy array or tensor, into groups by name.

        Raises:
            ValueError: If the last axis is not `total` wide.
        """
        width = coefficients.shape[-1]
        if width != self.total:
            raise ValueError(
                f"`coefficients` must have {self.total} values in the last axis "
                f"({_describe(self.sizes)}). Received: shape {tuple(coefficients.shape)}."
            )
        return {name: coefficients[..., where] for name, where in self.slices.items()}

    def merge(self, groups: dict[str, Any]) -> Any:
        """Concatenates groups `[..., width]` to one vector `[..., total]`; inverse of `split`.

        Raises:
            ValueError: If a group is missing, unknown, or of the wrong width.
        """
        if set(groups) != set(GROUPS):
            raise ValueError(f"`groups` must name exactly {GROUPS}. Received: {sorted(groups)}.")
        for name, size in self.sizes.items():
            if groups[name].shape[-1] != size:
                raise ValueError(
                    f"`{name}` must be {size} wide. Received: shape {tuple(groups[name].shape)}."
                )
        parts = [groups[name] for name in GROUPS]
        if any(tf.is_tensor(part) for part in parts):
            return tf.concat(parts, axis=-1)
        return np.concatenate(parts, axis=-1)


def _describe(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in sizes.items())
