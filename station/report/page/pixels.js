// The embedded pictures as bytes, and how a normal is written in them (see texture.py).

const SLOPE_STEPS = 511;

async function decoded(id) {
  const image = document.getElementById(id);
  await image.decode();
  return image;
}

/** RGBA bytes of an image; its pictures carry no alpha, so nothing is premultiplied away. */
function bytesOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return { ...sizeOf(canvas), data: context.getImageData(0, 0, canvas.width, canvas.height).data };
}

const sizeOf = (canvas) => ({ columns: canvas.width, rows: canvas.height });

function slopeOf(code) {
  const root = (code - 512) / SLOPE_STEPS;
  return Math.sign(root) * root * root;
}

/** x, y, z of the unit normal at a byte offset, or null where nothing was measured. */
function normalAt(data, offset) {
  const low = data[offset + 2];
  if (low === 255) return null;
  const x = slopeOf((data[offset] << 2) | ((low >> 2) & 3));
  const y = slopeOf((data[offset + 1] << 2) | (low & 3));
  return [x, y, Math.sqrt(Math.max(0, 1 - x * x - y * y))];
}

function toLinear(byte) {
  const c = byte / 255;
  return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
}

function toSrgb(light) {
  const c = clamp(light, 0, 1);
  return c <= 0.0031308 ? 12.92 * c : 1.055 * Math.pow(c, 1 / 2.4) - 0.055;
}
