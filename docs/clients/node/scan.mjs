#!/usr/bin/env node
// Scans the card under the camera, prints what happens, and fetches its maps:
//     node scan.mjs --control ipc:///.../run/control --events ipc:///.../run/events --out maps [--key key.json]

import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { Station, loadKey } from "./station.mjs";

const { values } = parseArgs({
  options: {
    control: { type: "string" },
    events: { type: "string" },
    key: { type: "string" },
    side: { type: "string", default: "front" },
    name: { type: "string", default: "" },
    out: { type: "string", default: "maps" },
  },
});

async function main() {
  const key = values.key ? await loadKey(values.key) : null;
  const station = new Station({ control: values.control, events: values.events, key });
  try {
    const scan = await station.scan({
      side: values.side,
      name: values.name,
      onEvent: ({ seq, type, data }) => console.log(`${seq} ${type} ${data.step ?? ""}`.trimEnd()),
    });
    await mkdir(values.out, { recursive: true });
    const { files } = await station.call("scan.files", { id: scan.id });
    const maps = files.filter(({ file }) => file.startsWith(`results/${scan.result.number}/`));
    for (const { file, bytes } of maps) {
      await writeFile(join(values.out, basename(file)), await station.file(scan.id, file));
      console.log(`fetched ${file} (${bytes} bytes)`);
    }
    console.log(`scan ${scan.id} ${scan.state}`);
  } finally {
    station.close();
  }
}

main().catch((error) => {
  console.error(`error: ${error.message}${error.hint ? `\n  what to do: ${error.hint}` : ""}`);
  process.exitCode = 1;
});
