// Sliders, switches and buttons beside the picture.

const CLAY_STOPS = 3; // of the relief slider: eight times

const byId = (id) => document.getElementById(id);

/** Connects every control; returns those that keys switch too. */
function connectControls(viewer) {
  const relief = byId("relief");
  relief.addEventListener("input", () => viewer.update({ relief: Math.pow(2, Number(relief.value)) }));
  const brightness = byId("brightness");
  brightness.addEventListener("input", () => viewer.update({ brightness: Number(brightness.value) }));
  for (const input of document.querySelectorAll('input[name="mode"]')) {
    input.addEventListener("change", () => showMode(viewer, relief, input.value));
  }
  for (const input of document.querySelectorAll('input[name="drag"]')) {
    input.addEventListener("change", () => viewer.update({ drag: input.value }));
  }
  byId("zoom-in").addEventListener("click", () => viewer.zoom(1.4));
  byId("zoom-out").addEventListener("click", () => viewer.zoom(1 / 1.4));
  byId("zoom-fit").addEventListener("click", () => viewer.fit());
  byId("zoom-native").addEventListener("click", () => viewer.zoom(1 / viewer.state.view.scale));
  return { relief, ...connectSwitches(viewer) };
}

/** Bare relief is shown steeper, since a card at its true slopes is a grey sheet; the badge says so. */
function showMode(viewer, relief, mode) {
  const untouched = Number(relief.value) === (viewer.state.mode === "clay" ? CLAY_STOPS : 0);
  if (untouched) relief.value = mode === "clay" ? CLAY_STOPS : 0;
  viewer.update({ mode, relief: Math.pow(2, Number(relief.value)) });
}

function connectSwitches(viewer) {
  const [loupe, borders, gloss, sweep] = ["loupe-on", "borders-on", "gloss-on", "sweep-on"].map(byId);
  loupe.addEventListener("change", () => viewer.switchLoupe(loupe.checked));
  borders.addEventListener("change", () => viewer.update({ borders: borders.checked }));
  gloss.addEventListener("change", () => viewer.update({ gloss: gloss.checked }));
  sweep.addEventListener("change", () => viewer.sweep(sweep.checked));
  if (!viewer.data.borders) {
    borders.disabled = true;
    borders.closest("label").title = "Centering was not assessed";
  }
  return { loupe, borders, gloss, sweep };
}

/** What the controls say about the state. */
function showControls(state) {
  byId("relief-words").textContent = state.relief === 1 ? "as measured" : `× ${times(state.relief)}`;
  const stops = state.brightness;
  byId("brightness-words").textContent = stops === 0 ? "neutral" : `${stops > 0 ? "+" : "−"}${Math.abs(stops).toFixed(1)} EV`;
  byId("sweep-on").checked = state.sweep;
  byId("badges").replaceChildren(...badges(state).map((text) => Object.assign(document.createElement("span"), { textContent: text })));
}

const times = (factor) => factor.toFixed(factor < 10 ? 1 : 0).replace(".0", "");

/** Whatever makes the picture differ from what was measured. */
function badges(state) {
  const list = [];
  if (state.relief !== 1 && state.mode !== "albedo") list.push(`Relief drawn ${times(state.relief)} times steeper`);
  if (state.gloss && state.mode === "colour") list.push("Gloss: illustration, not measured");
  if (state.mode === "clay") list.push("Without the print and the light’s falloff");
  if (state.mode === "albedo") list.push("Without light");
  return list;
}
