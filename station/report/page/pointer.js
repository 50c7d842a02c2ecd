// Mouse, fingers, wheel and keys over the picture.

const STEP = 0.06; // of the disc of directions, per key press
const PAN = 40;
const NEEDS_REPEAT = 1.25;

function listenToPointers(viewer, stage) {
  const down = new Map();
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.target !== viewer.canvas) return;
    viewer.canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { ...place(event), pans: event.button !== 0 || event.shiftKey });
    if (down.size === 1) dragged(viewer, event, place(event), null, down.get(event.pointerId).pans);
  });
  stage.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = down.get(event.pointerId);
    if (!before) hovered(viewer, event, now);
    else if (down.size === 1) dragged(viewer, event, now, before, before.pans);
    else pinched(viewer, down, event.pointerId, now);
    if (before) down.set(event.pointerId, { ...now, pans: before.pans });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  viewer.canvas.addEventListener("wheel", (event) => wheeled(viewer, event, place(event)), { passive: false });
}

function hovered(viewer, event, now) {
  if (viewer.state.loupeOn && event.pointerType === "mouse") viewer.moveLoupe(now.x, now.y);
}

function dragged(viewer, event, now, before, pans) {
  const { state, canvas } = viewer;
  const touch = event.pointerType !== "mouse";
  if (state.loupeOn) viewer.moveLoupe(now.x, now.y, touch ? LOUPE_LIFT : 0);
  if (state.loupeOn && touch) return;
  if (pans || state.drag === "card") {
    if (before) viewer.pan(now.x - before.x, now.y - before.y);
    return;
  }
  const reach = 0.48 * Math.min(canvas.clientWidth, canvas.clientHeight);
  state.sweep = false;
  viewer.aim((now.x - canvas.clientWidth / 2) / reach, (canvas.clientHeight / 2 - now.y) / reach);
}

/** Two fingers: their distance zooms, their middle pans. */
function pinched(viewer, down, moved, now) {
  const others = [...down].filter(([id]) => id !== moved);
  const [, other] = others[0];
  const before = down.get(moved);
  const apart = (a, b) => Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1);
  viewer.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  viewer.zoom(apart(now, other) / apart(before, other), (now.x + other.x) / 2, (now.y + other.y) / 2);
}

function wheeled(viewer, event, now) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 20 : 1;
  viewer.zoom(Math.exp(-event.deltaY * lines * 0.0016), now.x, now.y);
}

/** Keys while the picture has the focus; `controls` are the inputs they switch. */
function listenToKeys(viewer, controls) {
  const aim = (du, dv) => {
    const [u, v] = viewer.aimed();
    viewer.state.sweep = false;
    viewer.aim(u + du * STEP, v + dv * STEP);
  };
  const move = (event, du, dv) => (event.shiftKey ? viewer.pan(-du * PAN, dv * PAN) : aim(du, dv));
  const keys = {
    ArrowLeft: (event) => move(event, -1, 0),
    ArrowRight: (event) => move(event, 1, 0),
    ArrowUp: (event) => move(event, 0, 1),
    ArrowDown: (event) => move(event, 0, -1),
    "+": () => viewer.zoom(NEEDS_REPEAT),
    "=": () => viewer.zoom(NEEDS_REPEAT),
    "-": () => viewer.zoom(1 / NEEDS_REPEAT),
    f: () => viewer.fit(),
    l: () => controls.loupe.click(),
    b: () => controls.borders.click(),
    g: () => controls.gloss.click(),
    s: () => controls.sweep.click(),
    "[": () => nudge(controls.relief, -1),
    "]": () => nudge(controls.relief, 1),
  };
  viewer.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (act) act(event);
    else if (/^\d$/.test(event.key)) viewer.useRigLight(Number(event.key));
    else return;
    event.preventDefault();
  });
}

function nudge(slider, steps) {
  slider.value = Number(slider.value) + 5 * steps * Number(slider.step);
  slider.dispatchEvent(new Event("input"));
}
