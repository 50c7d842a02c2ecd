// The same card without WebGL: lit pixel by pixel at a moderate resolution, then drawn to a 2D canvas.

const PLAIN_LONGEST = 700;
const CLAY = [0.36, 0.35, 0.335]; // of a flat place, wherever the light stands

function plainRenderer(canvas, images, data) {
  const context = canvas.getContext("2d");
  const surface = sampled(bytesOf(images.normals), bytesOf(images.albedo), data);
  const sheet = document.createElement("canvas");
  sheet.width = surface.columns;
  sheet.height = surface.rows;
  return {
    name: "plain",
    render(state) {
      paint(sheet, surface, state, data);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      drawSheet(context, sheet, state, data);
    },
  };
}

/** Every n-th pixel, decoded: slopes, linear albedo, place on the card; z of 0 marks "not measured". */
function sampled(normals, albedo, data) {
  const step = Math.max(1, Math.ceil(Math.max(data.columns, data.rows) / PLAIN_LONGEST));
  const columns = Math.max(1, Math.floor(data.columns / step));
  const rows = Math.max(1, Math.floor(data.rows / step));
  const normal = new Float32Array(columns * rows * 3);
  const colour = new Float32Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = 4 * ((row * step + (step >> 1)) * data.columns + column * step + (step >> 1));
      const to = 3 * (row * columns + column);
      normal.set(normalAt(normals.data, from) ?? [0, 0, 0], to);
      for (let c = 0; c < 3; c++) colour[to + c] = toLinear(albedo.data[from + c]);
    }
  }
  return { columns, rows, step, normal, colour };
}

function paint(sheet, surface, state, data) {
  const context = sheet.getContext("2d");
  const picture = context.createImageData(surface.columns, surface.rows);
  const exposed = exposedColour(state, data);
  const encode = state.linear ? (c) => clamp(c, 0, 1) : toSrgb;
  for (let row = 0; row < surface.rows; row++) {
    const y = (0.5 - ((row + 0.5) * surface.step) / data.rows) * data.heightMm;
    for (let column = 0; column < surface.columns; column++) {
      const x = (((column + 0.5) * surface.step) / data.columns - 0.5) * data.widthMm;
      const index = row * surface.columns + column;
      const rgb = plainlyLit(surface, 3 * index, x, y, state, exposed);
      for (let c = 0; c < 3; c++) picture.data[4 * index + c] = 255 * encode(rgb[c]) + 0.5;
      picture.data[4 * index + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
}

/** Linear colour of one pixel; the counterpart of `lit` in the shader. */
function plainlyLit(surface, at, x, y, state, exposed) {
  const [nx, ny, nz] = [surface.normal[at] * state.relief, surface.normal[at + 1] * state.relief, surface.normal[at + 2]];
  if (nz === 0) return state.only ? [0, 0, 0] : [0.015, 0.015, 0.015];
  const size = Math.hypot(nx, ny, nz);
  if (state.mode === "normals") return [nx, ny, nz].map((c) => toLinear(127.5 + (127.5 * c) / size));
  const albedo = [surface.colour[at], surface.colour[at + 1], surface.colour[at + 2]];
  if (state.mode === "albedo") return albedo;
  const { position, axis, lobe } = state.light;
  if (state.mode === "clay") {
    const far = Math.hypot(...position);
    const facing = Math.max((nx * position[0] + ny * position[1] + nz * position[2]) / (size * far), 0);
    return CLAY.map((c) => (c * Math.pow(2, state.brightness) * facing) / Math.max(position[2] / far, 0.05));
  }
  const ray = [position[0] - x, position[1] - y, position[2]];
  const distance = Math.hypot(...ray);
  const [lx, ly, lz] = ray.map((c) => c / distance);
  const along = Math.max(-(lx * axis[0] + ly * axis[1] + lz * axis[2]), 0);
  const flux = (lobe === 0 ? 1 : Math.pow(along, lobe)) / (distance * distance);
  const facing = Math.max((nx * lx + ny * ly + nz * lz) / size, 0);
  const half = Math.hypot(lx, ly, lz + 1);
  const mirror = Math.max((nx * lx + ny * ly + nz * (lz + 1)) / (size * half), 0);
  const shine = state.gloss ? GLOSS * Math.pow(mirror, 90) : 0;
  return exposed.map((c, i) => c * flux * (albedo[i] * facing + shine));
}

function drawSheet(context, sheet, state, data) {
  const { x, y, scale } = state.view;
  if (state.only) {
    context.fillStyle = "#000";
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  }
  context.imageSmoothingEnabled = true;
  context.drawImage(sheet, x, y, data.columns * scale, data.rows * scale);
  const loupe = state.loupe;
  if (!loupe) return;
  context.save();
  context.beginPath();
  context.arc(loupe.x, loupe.y, loupe.radius, 0, 2 * Math.PI);
  context.clip();
  context.imageSmoothingEnabled = false;
  const left = loupe.x - loupe.column * loupe.scale;
  const top = loupe.y - loupe.row * loupe.scale;
  context.fillStyle = "#000";
  context.fillRect(loupe.x - loupe.radius, loupe.y - loupe.radius, 2 * loupe.radius, 2 * loupe.radius);
  context.drawImage(sheet, left, top, data.columns * loupe.scale, data.rows * loupe.scale);
  context.restore();
}
