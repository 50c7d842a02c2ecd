// The maps side by side: one cross in all of them, and the values under it.

function connectMaps(data, normals, readout) {
  const tiles = [...document.querySelectorAll(".tile")];
  for (const tile of tiles) {
    const plate = tile.querySelector(".plate");
    plate.addEventListener("pointermove", (event) => {
      const box = plate.getBoundingClientRect();
      const across = clamp((event.clientX - box.left) / box.width, 0, 0.9999);
      const down = clamp((event.clientY - box.top) / box.height, 0, 0.9999);
      showCross(tiles, data, normals, readout, across, down);
    });
    plate.addEventListener("pointerleave", () => hideCross(tiles));
  }
}

function showCross(tiles, data, normals, readout, across, down) {
  const scalars = scalarsAt(data, readout, across, down);
  const offset = 4 * (Math.floor(down * normals.rows) * normals.columns + Math.floor(across * normals.columns));
  const normal = normalAt(normals.data, offset);
  if (normal) scalars.slope = `${deg(Math.atan2(Math.hypot(normal[0], normal[1]), normal[2])).toFixed(2)}°`;
  for (const tile of tiles) {
    const cross = tile.querySelector(".cross");
    cross.style.left = `${100 * across}%`;
    cross.style.top = `${100 * down}%`;
    tile.classList.add("read");
    tile.querySelector("output").textContent = scalars[tile.dataset.key] ?? "";
  }
}

function hideCross(tiles) {
  for (const tile of tiles) {
    tile.classList.remove("read");
    tile.querySelector("output").textContent = "";
  }
}
