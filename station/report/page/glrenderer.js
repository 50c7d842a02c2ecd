// The card by WebGL 2. A renderer is {name, render(state)}.

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;
const MODES = { colour: 0, clay: 1, albedo: 2, normals: 3 };
const GLOSS = 0.45;

/** Null where the browser has no WebGL 2. */
function glRenderer(canvas, images, data) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
  if (!gl) return null;
  let set = prepare(gl, images);
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    set = prepare(gl, images);
    canvas.dispatchEvent(new Event("redraw"));
  });
  return {
    name: "webgl",
    render(state) {
      if (gl.isContextLost()) return;
      gl.viewport(0, 0, canvas.width, canvas.height);
      setUniforms(set, state, canvas, data);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    },
  };
}

function prepare(gl, images) {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, document.getElementById("shader").textContent.trimStart()));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  gl.useProgram(program);
  texture(gl, 0, images.normals, gl.RGBA);
  texture(gl, 1, images.albedo, gl.SRGB8_ALPHA8);
  const place = (name) => gl.getUniformLocation(program, name);
  gl.uniform1i(place("normals"), 0);
  gl.uniform1i(place("albedo"), 1);
  return {
    number: (name, value) => gl.uniform1f(place(name), value),
    whole: (name, value) => gl.uniform1i(place(name), value),
    pair: (name, x, y) => gl.uniform2f(place(name), x, y),
    triple: (name, values) => gl.uniform3fv(place(name), values),
  };
}

function compiled(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

/** Bytes as they are: no colour conversion, no filtering (the shader decodes before it filters). */
function texture(gl, unit, image, format) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.texImage2D(gl.TEXTURE_2D, 0, format, gl.RGBA, gl.UNSIGNED_BYTE, image);
  for (const [key, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST],
    [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ]) {
    gl.texParameteri(gl.TEXTURE_2D, key, value);
  }
}

function setUniforms(set, state, canvas, data) {
  set.pair("canvas_px", canvas.width, canvas.height);
  set.pair("size_px", data.columns, data.rows);
  set.pair("size_mm", data.widthMm, data.heightMm);
  set.pair("origin_px", state.view.x, state.view.y);
  set.number("scale", state.view.scale);
  set.triple("light_mm", state.light.position);
  set.triple("light_axis", state.light.axis);
  set.number("light_lobe", state.light.lobe);
  set.triple("light_colour", exposedColour(state, data));
  set.number("brightness", Math.pow(2, state.brightness));
  set.number("relief", state.relief);
  set.number("gloss", state.gloss ? GLOSS : 0);
  set.whole("mode", MODES[state.mode]);
  set.whole("linear_out", state.linear ? 1 : 0);
  set.whole("only", state.only ? 1 : 0);
  const loupe = state.loupe;
  set.number("loupe_radius", loupe ? loupe.radius : 0);
  set.number("loupe_scale", loupe ? loupe.scale : 1);
  set.pair("loupe_px", loupe ? loupe.x : 0, loupe ? loupe.y : 0);
  set.pair("loupe_at", loupe ? loupe.column : 0, loupe ? loupe.row : 0);
}
