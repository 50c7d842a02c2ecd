"""The true lights: LEDs of finite size, and the light field they throw.

A small matte surface with normal n reflects `albedo / pi * (n . E)`, where E is the *vector irradiance*,
the sum over a source's parts of `power * lobe * l / d^2` (Gershun 1936). E, the half vector and the coat's
factors change slowly
from place to place: they are computed on a coarse grid and interpolated by the renderer.
"""

from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin

import numpy as np

from .chance import stream
from .grid import Floats
from .optics import Doubles

LIGHTS = 8
RING_MM = 150.0
HEIGHT_MM = 150.0
SCATTER_MM = 3.0
SPREAD = 1.6
LED_HALF_MM = 1.2
COAT_F0 = 0.04
"""Reflectance of varnish (refractive index 1.5) at normal incidence."""
FIELDS = 8
"""Values per node: E (3), half vector (3), coat factor, loss of diffuse light under the coat."""


@dataclass(frozen=True)
class Light:
    """One LED, mat frame. `power` is 1 for a middling light; `colour` is its share in each channel."""

    position_mm: Doubles
    axis: Doubles
    lobe: float
    power: float
    colour: tuple[float, float, float]


@cache
def ring() -> tuple[Light, ...]:
    """The standard rig's lights; one rig, so no seed."""
    rng = stream(20_180, "ring of lights")
    steps = rng.permutation(np.linspace(-0.5, 0.5, LIGHTS))
    return tuple(_light(k, SPREAD ** float(steps[k]), rng) for k in range(LIGHTS))


def _light(index: int, power: float, rng: np.random.Generator) -> Light:
    angle = 2 * pi * (index + 0.5) / LIGHTS
    place = np.array([RING_MM * cos(angle), RING_MM * sin(angle), HEIGHT_MM]) + rng.uniform(
        -SCATTER_MM, SCATTER_MM, 3
    )
    aim = -place + np.append(rng.normal(0, 8.0, 2), 0.0)  # some 2 degrees beside the mat's centre
    red, green, blue = 1 + rng.uniform(-0.03, 0.03, 3)
    return Light(
        place, aim / np.linalg.norm(aim), 1 + float(rng.uniform(-0.1, 0.15)), power, (red, green, blue)
    )


def light_field(light: Light, places_mm: Doubles, eye_mm: Doubles, roughness: float) -> Floats:
    """The light at places (..., 3): float32 (..., FIELDS), for a surface that lies flat within a few degrees.

    E is scaled so that a middling light gives about 1 at the mat's centre. The coat is Cook and Torrance's
    model with Smith's shadowing (Walter 2007) and Schlick's Fresnel term; only its narrow part, the GGX
    distribution, is left to the renderer.
    """
    irradiance = np.zeros(places_mm.shape)
    for part in _parts(light):
        way = part - places_mm
        distance = np.linalg.norm(way, axis=-1, keepdims=True)
        toward = way / distance
        emission = np.maximum(0, -(toward @ light.axis))[..., None] ** light.lobe
        irradiance += emission * toward / distance**2
    irradiance *= light.power * (RING_MM**2 + HEIGHT_MM**2) / (LED_PARTS * cos(pi / 4))
    coat = _coat(
        irradiance / np.linalg.norm(irradiance, axis=-1, keepdims=True), places_mm, eye_mm, roughness
    )
    return np.concatenate((irradiance, coat), axis=-1).astype(np.float32)


LED_PARTS = 5


def _parts(light: Light) -> list[Doubles]:
    """Centre and four points of the emitting square, perpendicular to the axis."""
    side = np.cross(light.axis, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    other = np.cross(light.axis, side)
    half = LED_HALF_MM
    offsets = [0 * side] + [half * (s * side + o * other) for s in (-0.6, 0.6) for o in (-0.6, 0.6)]
    return [light.position_mm + offset for offset in offsets]


def _coat(toward: Doubles, places_mm: Doubles, eye_mm: Doubles, roughness: float) -> Doubles:
    view = eye_mm - places_mm
    view = view / np.linalg.norm(view, axis=-1, keepdims=True)
    half = toward + view
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    fresnel = _schlick(np.sum(half * view, axis=-1))
    nl, nv = np.maximum(toward[..., 2], 1e-3), np.maximum(view[..., 2], 1e-3)
    smith = _smith(nl, roughness) * _smith(nv, roughness)
    strength = fresnel * smith / (4 * nl * nv)
    loss = 1 - (1 - _schlick(nl)) * (1 - _schlick(nv)) / (1 - COAT_F0) ** 2
    return np.concatenate((half, strength[..., None], loss[..., None]), axis=-1)


def _schlick(cosine: Doubles) -> Doubles:
    return np.asarray(COAT_F0 + (1 - COAT_F0) * (1 - cosine) ** 5, np.float64)


def _smith(cosine: Doubles, roughness: float) -> Doubles:
    tan2 = 1 / cosine**2 - 1
    return np.asarray(2 / (1 + np.sqrt(1 + roughness**2 * tan2)), np.float64)
