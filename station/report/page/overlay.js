// What lies over the picture: measured borders, loupe ring, ruler, and the values under the pointer.

const RULER_MM = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
const SVG = "http://www.w3.org/2000/svg";

function showOverlay(viewer) {
  const { state } = viewer;
  const ratio = viewer.pixelRatio;
  const pxPerMm = (viewer.data.columns / viewer.data.widthMm) * (state.view.scale / ratio);
  showBorders(viewer, ratio);
  showLoupe(state, ratio);
  const length = RULER_MM.findLast((mm) => mm * pxPerMm <= 150) ?? RULER_MM[0];
  byId("ruler").firstElementChild.style.width = `${length * pxPerMm}px`;
  byId("ruler").lastElementChild.textContent = `${length} mm`;
}

function showBorders(viewer, ratio) {
  const svg = byId("borders");
  svg.replaceChildren();
  const { borders } = viewer.data;
  if (!borders || !viewer.state.borders) return;
  const [width, height] = borders.size;
  svg.append(box(viewer, ratio, [-width / 2, height / 2, width / 2, -height / 2], "edge"));
  svg.append(box(viewer, ratio, borders.frame, "print"));
}

/** A rectangle given as left, top, right, bottom in the card frame. */
function box(viewer, ratio, [left, top, right, bottom], name) {
  const { view } = viewer.state;
  const { widthMm, heightMm, columns, rows } = viewer.data;
  const x = (mm) => (view.x + (mm / widthMm + 0.5) * columns * view.scale) / ratio;
  const y = (mm) => (view.y + (0.5 - mm / heightMm) * rows * view.scale) / ratio;
  const rect = document.createElementNS(SVG, "rect");
  const places = { x: x(left), y: y(top), width: x(right) - x(left), height: y(bottom) - y(top), class: name };
  for (const [key, value] of Object.entries(places)) rect.setAttribute(key, value);
  return rect;
}

function showLoupe({ loupe, loupeOn }, ratio) {
  const ring = byId("loupe");
  ring.hidden = !(loupeOn && loupe);
  if (ring.hidden) return;
  const size = (2 * loupe.radius) / ratio;
  Object.assign(ring.style, {
    left: `${loupe.x / ratio - size / 2}px`, top: `${loupe.y / ratio - size / 2}px`, width: `${size}px`, height: `${size}px`,
  });
  ring.firstElementChild.textContent = `1 map pixel = ${loupe.scale} screen pixels`;
}

/** Values under the pointer, from the same bytes that the picture is made from. */
function connectValues(viewer, normals, readout) {
  const line = byId("values");
  viewer.canvas.addEventListener("pointermove", (event) => {
    const box = viewer.canvas.getBoundingClientRect();
    const ratio = viewer.pixelRatio;
    const place = viewer.state.view.toMap((event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio);
    line.textContent = valuesAt(viewer.data, normals, readout, place[0] / viewer.data.columns, place[1] / viewer.data.rows);
  });
}

/** One line about a place given as shares of the map's width and height. */
function valuesAt(data, normals, readout, across, down) {
  if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return "\u00a0";
  const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
  const where = `x ${signed((across - 0.5) * data.widthMm, 1)}, y ${signed((0.5 - down) * data.heightMm, 1)} mm`;
  const offset = 4 * (Math.floor(down * normals.rows) * normals.columns + Math.floor(across * normals.columns));
  const normal = normalAt(normals.data, offset);
  if (!normal) return `${where}: not measured`;
  const tilt = deg(Math.atan2(Math.hypot(normal[0], normal[1]), normal[2]));
  const from = (deg(Math.atan2(normal[1], normal[0])) + 360) % 360;
  const parts = [where, `leans ${tilt.toFixed(2)}° towards ${from.toFixed(0)}°`];
  const scalars = scalarsAt(data, readout, across, down);
  if (scalars.height) parts.push(`height ${scalars.height}`);
  if (scalars.sigma) parts.push(`normal ± ${scalars.sigma}`);
  return parts.join(" · ");
}

/** Text by map, for the maps of the read-out picture that are known in this place. */
function scalarsAt(data, readout, across, down) {
  const offset = 4 * (Math.floor(down * readout.rows) * readout.columns + Math.floor(across * readout.columns));
  const found = {};
  data.readout.forEach((map, channel) => {
    const code = readout.data[offset + channel];
    if (!map || code === 0) return;
    const step = (map.high - map.low) / 254;
    const digits = clamp(Math.ceil(-Math.log10(step)), 0, 3);
    const gap = map.unit === "°" ? "" : "\u00a0";
    const beyond = code === 255 ? "≥ " : code === 1 && map.low !== 0 ? "≤ " : "";
    found[map.key] = `${beyond}${(map.low + (code - 1) * step).toFixed(digits).replace("-", "−")}${gap}${map.unit}`;
  });
  return found;
}
