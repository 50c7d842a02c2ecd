// The picture and its state; whoever shows part of the state listens.

const MARGIN = 0.05; // of the canvas, around the fitted card
const FOOT = 44; // CSS pixels below it, for ruler and zoom buttons
const LOUPE_RADIUS = 92; // CSS pixels
const LOUPE_LIFT = 120; // above a finger, which would hide it

class Viewer {
  constructor(canvas, renderer, data) {
    this.canvas = canvas;
    this.renderer = renderer;
    this.data = data;
    this.lights = rigLights(data);
    this.distance = usualDistance(this.lights);
    this.listeners = [];
    this.due = false;
    this.state = {
      view: new Transform(data.columns, data.rows),
      light: freeLight(135, 55, this.distance),
      mode: "colour", drag: "light", brightness: 0, relief: 1,
      gloss: false, borders: false, sweep: false, linear: false, only: false,
      loupe: null, loupeOn: false,
    };
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  update(changes) {
    Object.assign(this.state, changes);
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => this.show());
  }

  show() {
    this.due = false;
    const { state } = this;
    if (state.loupeOn && state.loupe) state.loupe = this.loupeOver(state.loupe);
    this.renderer.render(state);
    for (const listener of this.listeners) listener(state);
    const root = document.documentElement;
    root.dataset.light = state.light.index ?? "free";
    root.dataset.shown = window.location.hash.slice(1);
    root.dataset.ready = this.renderer.name;
  }

  get pixelRatio() {
    return this.canvas.width / Math.max(this.canvas.clientWidth, 1);
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const box = this.canvas.getBoundingClientRect();
    // browsers move the edges of a box to whole screen pixels; any other size would blur the picture
    const width = Math.max(1, Math.round(box.right * ratio) - Math.round(box.left * ratio));
    const height = Math.max(1, Math.round(box.bottom * ratio) - Math.round(box.top * ratio));
    if (width === this.canvas.width && height === this.canvas.height) return;
    const { view } = this.state;
    const [dx, dy] = [(width - this.canvas.width) / 2, (height - this.canvas.height) / 2];
    this.canvas.width = width;
    this.canvas.height = height;
    if (view.fitted) this.fit();
    else view.pan(dx, dy);
    this.update({});
  }

  fit() {
    const { view, only } = this.state;
    const { width, height } = this.canvas;
    if (only) view.fit(width, height, 0);
    else view.fit(width, height - FOOT * this.pixelRatio, MARGIN);
    this.update({});
  }

  /** Zoom about a place in CSS pixels of the canvas; without one, about its middle. */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const { view } = this.state;
    const ratio = this.pixelRatio;
    const smallest = (0.25 * Math.min(this.canvas.width, this.canvas.height)) / Math.max(view.columns, view.rows);
    view.zoom(factor, x * ratio, y * ratio, Math.min(smallest, view.scale));
    view.keepInside(this.canvas.width, this.canvas.height);
    this.update({});
  }

  pan(dx, dy) {
    const { view } = this.state;
    view.pan(dx * this.pixelRatio, dy * this.pixelRatio);
    view.keepInside(this.canvas.width, this.canvas.height);
    this.update({});
  }

  useRigLight(index) {
    if (this.lights[index]) this.update({ light: this.lights[index], sweep: false });
  }

  /** The free light by its place in the disc of directions: centre is overhead, rim is the horizon. */
  aim(u, v) {
    const distance = Math.min(1, Math.hypot(u, v));
    this.update({ light: freeLight(deg(Math.atan2(v, u)), 90 * (1 - distance), this.distance) });
  }

  /** Where the light is in that disc. */
  aimed() {
    const { azimuth, elevation } = directionOf(this.state.light);
    const distance = 1 - clamp(elevation, 0, 90) / 90;
    return [distance * Math.cos(rad(azimuth)), distance * Math.sin(rad(azimuth))];
  }

  /** Put the loupe over a place in CSS pixels; `lift` shows it above that place. */
  moveLoupe(x, y, lift = 0) {
    const ratio = this.pixelRatio;
    this.update({ loupe: { atX: x * ratio, atY: y * ratio, lift: lift * ratio } });
  }

  switchLoupe(on) {
    this.update({ loupeOn: on, loupe: null });
    if (on) this.moveLoupe(this.canvas.clientWidth / 2, this.canvas.clientHeight / 2);
  }

  /** One map pixel becomes a whole number of screen pixels, at least three and more than outside. */
  loupeOver({ atX, atY, lift }) {
    const [column, row] = this.state.view.toMap(atX, atY);
    const scale = Math.max(3, Math.ceil(this.state.view.scale) + 2);
    return { atX, atY, lift, x: atX, y: atY - lift, column, row, scale, radius: LOUPE_RADIUS * this.pixelRatio };
  }

  sweep(on) {
    const { elevation } = directionOf(this.state.light);
    this.update({ sweep: on });
    if (!on) return;
    const height = elevation > 60 ? 22 : elevation;
    let angle = directionOf(this.state.light).azimuth;
    let before = performance.now();
    const turn = (now) => {
      if (!this.state.sweep) return;
      angle += (now - before) * 0.06;
      before = now;
      this.update({ light: freeLight(angle, height, this.distance) });
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }
}
