// Where the map lies on the canvas, in canvas pixels.

class Transform {
  constructor(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
  }

  /** The whole map, with a margin given as a share of the canvas. */
  fit(width, height, margin) {
    const room = 1 - 2 * margin;
    this.scale = Math.min((width * room) / this.columns, (height * room) / this.rows);
    this.x = (width - this.columns * this.scale) / 2;
    this.y = (height - this.rows * this.scale) / 2;
    this.fitted = true;
  }

  /** Zoom by a factor so that the place under (x, y) stays there. */
  zoom(factor, x, y, smallest) {
    const scale = clamp(this.scale * factor, smallest, 24);
    const ratio = scale / this.scale;
    this.x = x - (x - this.x) * ratio;
    this.y = y - (y - this.y) * ratio;
    this.scale = scale;
    this.fitted = false;
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
  }

  /** Some of the map always stays in the picture. */
  keepInside(width, height) {
    const keep = 0.2 * Math.min(width, height);
    this.x = clamp(this.x, keep - this.columns * this.scale, width - keep);
    this.y = clamp(this.y, keep - this.rows * this.scale, height - keep);
  }

  toMap(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }
}
