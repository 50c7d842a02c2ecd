"""A calibration to look at: the twin's own profile, with residuals and verdicts made up for the page."""

from dataclasses import replace
from typing import Any

import numpy as np

from station.calibrate.profile import load_profile
from station.documents.calibration import CalibrationFinding, CalibrationQuality, Figure, LightFit
from station.report.calibration_facts import CalibrationFacts, CalibrationStep

PIXELS = (1920, 2460)


def make_calibration(**changes: Any) -> CalibrationFacts:
    """The twin's rig, calibrated well but for one light."""
    loaded, rng = load_profile("twin"), np.random.default_rng(5)
    profile = loaded.profile.replace(
        schema_version=2,
        name="bench-2026-11",
        created="2026-11-22T14:03:27Z",
        temperature_c=21.4,
        note="Second calibration after light 3 was replaced.",
        controls={
            "exposure_time_absolute": 150,
            "gain": 0,
            "white_balance_automatic": 0,
            "power_line_frequency": 1,
        },
        camera=loaded.profile.camera.replace(
            mains_hz=50,
            overshoot_percent=1.2,
            mtf50_cy_per_mm=5.1,
            scale_um_per_px=42.31,
            gamma=2.0,
            response="table",
        ),
        calibration=make_quality(rng),
    )
    facts = CalibrationFacts(
        profile,
        profile_sha256=loaded.sha256,
        software="scan-station 0.2.0",
        session="0192f3a7c4e87d10b3a98e3d5f60a1b2",
        layout_positions_mm=ring(),
        flat_field=loaded.flat,
        flat_residual_percent=residual_maps(rng),
        lens_residuals=lens_residuals(rng),
        ball_places_px=np.array(
            [[420.0, 510.0], [1480.0, 520.0], [960.0, 1240.0], [450.0, 1950.0], [1500.0, 1930.0]]
        ),
        response=response_curves(),
        noise_points=noise_points(rng),
        steps=STEPS,
    )
    return replace(facts, **changes)


def ring() -> np.ndarray:
    """Where the twin's lights would be if it were built exactly."""
    azimuth = np.radians(22.5 + 45 * np.arange(8))
    return np.stack([150 * np.cos(azimuth), 150 * np.sin(azimuth), np.full(8, 150.0)], axis=1)


def two_rings() -> np.ndarray:
    """Four lights high and near, four low and far, in turn."""
    azimuth = np.radians(22.5 + 45 * np.arange(8))
    radius, height = np.where(np.arange(8) % 2, 190.0, 80.0), np.where(np.arange(8) % 2, 90.0, 190.0)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=1)


def make_quality(rng: np.random.Generator) -> CalibrationQuality:
    fits = tuple(
        LightFit(
            light=k,
            position_sigma_mm=(0.21 + 0.02 * k, 0.24, 0.46 if k == 3 else 0.31),
            direction_sigma_deg=0.062 + 0.004 * k,
            power_sigma_percent=0.18,
            highlight_rms_px=float(0.11 + 0.02 * rng.random()),
            flat_rms_percent=float(1.31 if k == 3 else 0.42 + 0.1 * rng.random()),
        )
        for k in range(8)
    )
    return CalibrationQuality(
        verdict="usable",
        reason="The flat field of light 3 does not fit its place as well as the others’ do.",
        figures=FIGURES,
        lights=fits,
        findings=FINDINGS,
    )


MEASURED: tuple[tuple[str, str, float | None, float | None, str, str, str], ...] = (
    ("light_direction_deg", "Direction of the lights", 0.084, 0.009, "°", "pass",
     "Below 0.2°, which costs less than 0.02° in a normal."),
    ("light_position_mm", "Place of the lights", 0.43, 0.051, "mm", "pass", "Within 1 mm."),
    ("power_percent", "Power of the lights", 0.18, 0.02, "%", "pass",
     "The eight lights are known against each other to better than 0.5 %."),
    ("flat_rms_percent", "Flat field against the lights", 1.31, None, "%", "usable",
     "Light 3 leaves 1.31 %, more than 1 %: its lobe is not that of a simple emitter."),
    ("lens_rms_px", "Lens", 0.112, None, "px", "pass", "Below 0.2 px."),
    ("scale_percent", "Scale", 0.021, 0.008, "%", "pass", "The ruler agrees with the board."),
    ("plane_mm", "Height of the card’s plane", 0.312, 0.044, "mm", "pass", ""),
    ("noise_a", "Noise per code", 0.02505, 0.00041, "codes", "pass", "The variance rises along a line."),
    ("mtf50_cy_per_mm", "Sharpness (MTF50)", 5.1, 0.2, "cycles/mm", "pass", "Above 4 cycles/mm."),
    ("colour_de", "Colour", None, None, "", "not_assessed", "No colour chart was shown."),
    ("flicker_percent", "Room light flicker", 0.07, 0.01, "%", "pass", "Exposures are multiples of 10 ms."),
)  # fmt: skip

NAMES = ("name", "title", "value", "sigma", "unit", "verdict", "reason")
FIGURES = tuple(Figure.model_validate(dict(zip(NAMES, one, strict=True))) for one in MEASURED)

FINDINGS = (
    CalibrationFinding(
        kind="uneven", lights=(3,), severe=False,
        message="The flat field of light 3 is 1.3 % off what its place explains, most at the lower left.",
        next_step="Look whether something shades light 3 or its lens is dirty, and repeat the flat field.",
    ),
    CalibrationFinding(
        kind="flicker", severe=False,
        message="Lamps in the room flicker at 50 Hz; exposures are kept to multiples of 10 ms.",
        next_step="Nothing needs to be done; with the lamps off, scans may be faster.",
    ),
)  # fmt: skip

STEPS = (
    CalibrationStep(
        "Camera and room", "done", "2026-11-22T13:31:02Z", "16 pictures without light, 24 levels of light."
    ),
    CalibrationStep("Board in 20 places", "done", "2026-11-22T13:38:40Z", "1508 corners; tilts up to 34°."),
    CalibrationStep("Ruler", "done", "2026-11-22T13:41:12Z", ""),
    CalibrationStep(
        "Flat target", "done", "2026-11-22T13:47:55Z", "Two looks, turned by half a turn between them."
    ),
    CalibrationStep(
        "Chrome sphere in 5 places", "done", "2026-11-22T13:56:20Z", "40 of 40 reflections were found."
    ),
    CalibrationStep("Colour chart", "skipped", "", "No chart is at hand."),
)


def residual_maps(rng: np.random.Generator) -> np.ndarray:
    """Swells of half a per cent, and one light with a shade in a corner and a hole where nothing was seen."""
    y, x = np.meshgrid(np.linspace(-1, 1, 104), np.linspace(-1, 1, 80), indexing="ij")
    swells = [0.5 * np.sin(2.2 * (x * np.cos(k) + y * np.sin(k)) + k) for k in range(8)]
    maps = np.stack(swells) + 0.12 * rng.normal(size=(8, *x.shape))
    maps[3] -= 3.0 * np.exp(-(((x + 0.8) / 0.5) ** 2) - ((y - 0.8) / 0.5) ** 2)
    maps[6, 20:34, 50:70] = np.nan
    return maps.astype(np.float32)


def lens_residuals(rng: np.random.Generator) -> np.ndarray:
    """Corners all over the picture, scattered, with a small swirl that the lens left."""
    places = rng.uniform((60, 60), (1860, 2400), (1508, 2))
    off = (places - (960, 1230)) / 1230
    swirl = 0.05 * np.stack([-off[:, 1], off[:, 0]], axis=1) * np.hypot(*off.T)[:, None]
    return np.hstack([places, swirl + rng.normal(0, 0.07, (1508, 2))])


def response_curves() -> np.ndarray:
    codes = np.arange(256) / 255
    return np.stack([255 * codes**g for g in (1.9, 2.0, 2.1)]).astype(np.float32)


def noise_points(rng: np.random.Generator) -> np.ndarray:
    level = np.linspace(4, 236, 24)
    variance = 0.02505 * level + 0.09
    sigma = 0.03 * variance + 0.02
    return np.stack([level, variance + sigma * rng.normal(size=24), sigma], axis=1)
