// The rig from above: centre is overhead, rim is the card's own plane.

const PAD_RADIUS = 48; // of the drawing, which spans 100

function connectPad(viewer) {
  const pad = byId("pad");
  for (const light of viewer.lights) pad.append(lightButton(viewer, light));
  const aim = (event) => {
    const box = pad.getBoundingClientRect();
    const reach = (box.width * PAD_RADIUS) / 100;
    viewer.state.sweep = false;
    viewer.aim((event.clientX - box.left - box.width / 2) / reach, (box.top + box.height / 2 - event.clientY) / reach);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    pad.setPointerCapture(event.pointerId);
    aim(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) aim(event);
  });
}

function lightButton(viewer, light) {
  const button = document.createElement("button");
  const { azimuth, elevation } = directionOf(light);
  const distance = (PAD_RADIUS * (90 - clamp(elevation, 0, 90))) / 90;
  button.type = "button";
  button.textContent = light.index;
  button.dataset.light = light.index;
  button.setAttribute("aria-label", `Light ${light.index} of the rig`);
  button.style.left = `${50 + distance * Math.cos(rad(azimuth))}%`;
  button.style.top = `${50 - distance * Math.sin(rad(azimuth))}%`;
  button.addEventListener("click", () => viewer.useRigLight(light.index));
  return button;
}

function showPad(viewer) {
  const { light, mode } = viewer.state;
  const [u, v] = viewer.aimed().map((c) => c * PAD_RADIUS);
  const lamp = byId("lamp");
  lamp.setAttribute("cx", u);
  lamp.setAttribute("cy", -v);
  const ray = byId("ray");
  ray.setAttribute("x2", u);
  ray.setAttribute("y2", -v);
  for (const button of document.querySelectorAll("[data-light]:is(button)")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.light) === light.index));
  }
  byId("pad").classList.toggle("idle", mode === "albedo" || mode === "normals");
  byId("light-words").textContent = lightWords(light);
}

function lightWords(light) {
  const { azimuth, elevation } = directionOf(light);
  const name = light.index === null ? "Free light" : `Light ${light.index} of the rig`;
  const from = Math.round((azimuth + 360) % 360);
  return `${name}: ${Math.round(elevation)}° above the card, from ${from}°, ${Math.round(Math.hypot(...light.position))} mm away`;
}
