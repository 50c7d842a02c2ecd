// Lights are near points in the card frame: mm, x right, y up, z to the camera.
// A light is {index, position, axis, lobe, colour}; index is null for the free light.

const LOWEST_DEG = 4;
const NEUTRAL = 0.85; // what the brightest place of a flat white card comes to

const rad = (deg) => (deg * Math.PI) / 180;
const deg = (angle) => (angle * 180) / Math.PI;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function rigLights(data) {
  return data.lights.map((light, index) => ({ ...light, index }));
}

/** A light without a lobe at a direction from the card's centre, aimed at it. */
function freeLight(azimuthDeg, elevationDeg, distanceMm) {
  const elevation = rad(clamp(elevationDeg, LOWEST_DEG, 90));
  const toLight = [
    Math.cos(elevation) * Math.cos(rad(azimuthDeg)),
    Math.cos(elevation) * Math.sin(rad(azimuthDeg)),
    Math.sin(elevation),
  ];
  return {
    index: null,
    position: toLight.map((c) => c * distanceMm),
    axis: toLight.map((c) => -c),
    lobe: 0,
    colour: [1, 1, 1],
  };
}

function directionOf(light) {
  const [x, y, z] = light.position;
  return { azimuth: deg(Math.atan2(y, x)), elevation: deg(Math.atan2(z, Math.hypot(x, y))) };
}

/** Distance of the free light: where the rig has its own, on average. */
function usualDistance(lights) {
  if (!lights.length) return 250;
  return lights.reduce((sum, l) => sum + Math.hypot(...l.position), 0) / lights.length;
}

/** What arrives from a light of power 1 at a flat place of the card, as seen along its normal. */
function arriving(light, x, y) {
  const ray = [light.position[0] - x, light.position[1] - y, light.position[2]];
  const distance = Math.hypot(...ray);
  const along = -(ray[0] * light.axis[0] + ray[1] * light.axis[1] + ray[2] * light.axis[2]) / distance;
  const lobe = light.lobe === 0 ? 1 : Math.pow(Math.max(along, 0), light.lobe);
  return (lobe * Math.max(ray[2] / distance, 0)) / (distance * distance);
}

/** The exposure at which a flat white card just does not clip, whatever the light's power. */
function neutralExposure(light, data) {
  let brightest = 0;
  for (let i = -4; i <= 4; i++) {
    for (let j = -4; j <= 4; j++) {
      brightest = Math.max(brightest, arriving(light, (i / 8) * data.widthMm, (j / 8) * data.heightMm));
    }
  }
  const strongest = Math.max(...light.colour, 1e-9);
  return brightest > 0 ? NEUTRAL / (brightest * strongest) : 0;
}

/** The light's colour times the exposure: what the renderers multiply with. */
function exposedColour(state, data) {
  const exposure = neutralExposure(state.light, data) * Math.pow(2, state.brightness);
  return state.light.colour.map((c) => c * exposure);
}
