// Start: read the data, choose a renderer, connect everything, obey the fragment.

const NO_WEBGL = "This browser offers no WebGL: the card is lit by the processor, at a lower resolution.";
const NO_PICTURE = "The light could not be switched on in this browser; the card is shown as its albedo.";

function fragment() {
  return new URLSearchParams(window.location.hash.slice(1));
}

function notice(text) {
  const line = byId("notice");
  line.textContent = text;
  line.hidden = false;
}

/** WebGL if the browser has it and the fragment does not decline it; else the processor. */
function chooseRenderer(images, data) {
  let canvas = byId("card");
  if (fragment().get("renderer") !== "plain") {
    try {
      const renderer = glRenderer(canvas, images, data);
      if (renderer) return { canvas, renderer };
    } catch (error) {
      console.warn(`WebGL failed: ${error.message}`);
      const fresh = canvas.cloneNode(false); // a canvas keeps the kind of context it once had
      canvas.replaceWith(fresh);
      canvas = fresh;
    }
  }
  notice(NO_WEBGL);
  return { canvas, renderer: plainRenderer(canvas, images, data) };
}

/** `#light=3&only=card&linear=1`: see the report's documentation. */
function obeyFragment(viewer) {
  const wanted = fragment();
  const only = wanted.get("only") === "card";
  document.documentElement.classList.toggle("only", only);
  const light = wanted.has("light") ? viewer.lights[Number(wanted.get("light"))] : undefined;
  viewer.update({ only, linear: wanted.get("linear") === "1", light: light ?? viewer.state.light });
  viewer.resize();
  viewer.fit();
}

function connectFrames(viewer) {
  for (const button of document.querySelectorAll("button.frame")) {
    button.addEventListener("click", () => {
      viewer.useRigLight(Number(button.dataset.light));
      byId("viewer").scrollIntoView({ block: "start" });
    });
  }
}

async function start() {
  const data = JSON.parse(byId("data").textContent);
  const [normals, albedo, readout] = await Promise.all(["normals", "albedo", "readout"].map(decoded));
  const { canvas, renderer } = chooseRenderer({ normals, albedo }, data);
  const viewer = new Viewer(canvas, renderer, data);
  const [normalBytes, readoutBytes] = [bytesOf(normals), bytesOf(readout)];
  listenToPointers(viewer, byId("stage"));
  listenToKeys(viewer, connectControls(viewer));
  connectPad(viewer);
  connectFrames(viewer);
  connectValues(viewer, normalBytes, readoutBytes);
  connectMaps(data, normalBytes, readoutBytes);
  viewer.listen(showControls);
  viewer.listen(() => showPad(viewer));
  viewer.listen(() => showOverlay(viewer));
  canvas.addEventListener("redraw", () => viewer.update({}));
  window.addEventListener("beforeprint", () => {
    viewer.fit();
    viewer.show();
  });
  new ResizeObserver(() => viewer.resize()).observe(canvas);
  window.addEventListener("hashchange", () => obeyFragment(viewer));
  obeyFragment(viewer);
}

start().catch((error) => {
  notice(NO_PICTURE);
  console.error(error);
});
