// A client of the scan station: requests on `control`, events on `events`, files by `scan.file`.
// It stands on the stock package `zeromq` and knows nothing but docs/protocol.md.

import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Dealer, Subscriber } from "zeromq";

const REPLY_MS = 10_000;
const SILENCE_MS = 10_000; // a heartbeat comes each second
const PAGE = 500;

/** What the station refused, or that it does not answer: `name` is a code of its fault catalogue, `hint` what to do. */
export class StationError extends Error {
  constructor(name, message, hint = "") {
    super(message);
    this.name = name;
    this.hint = hint;
  }
}

/** Read a key file of `station keys add`; needed for `tcp://` endpoints only. */
export async function loadKey(path) {
  return JSON.parse(await readFile(path, "utf8"));
}

/** One station. `key` is what `loadKey` gives; `operator` the token of `lock.take`. */
export class Station {
  #dealer;
  #events;
  #key;
  #waiting = new Map();

  constructor({ control, events, key = null, operator = null }) {
    this.#events = events;
    this.#key = key;
    this.operator = operator;
    this.#dealer = new Dealer({ linger: 0, immediate: true, sendTimeout: REPLY_MS, ...curve(key) });
    this.#dealer.connect(control);
    this.#read();
  }

  /** Call a method; its result. A repeat with the same `idempotencyKey` acts once. */
  async call(method, params = {}, options = {}) {
    return (await this.callWithBlob(method, params, options)).result;
  }

  /** The same, with the bytes that follow some replies. */
  async callWithBlob(method, params = {}, { idempotencyKey } = {}) {
    const id = randomUUID();
    const request = { jsonrpc: "2.0", id, method, params };
    if (idempotencyKey) request.idempotency_key = idempotencyKey;
    if (this.operator) request.operator = this.operator;
    const answer = new Promise((resolve, reject) => {
      const late = () => reject(new StationError("daemon_absent", `no answer to ${method} within ${REPLY_MS / 1000} s`));
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, REPLY_MS) });
    });
    try {
      await this.#dealer.send(JSON.stringify(request)).catch(() => {
        throw new StationError("daemon_absent", "no daemon answers");
      });
      return await answer;
    } finally {
      clearTimeout(this.#waiting.get(id)?.timer);
      this.#waiting.delete(id);
    }
  }

  async #read() {
    for await (const [json, blob] of this.#dealer) {
      const reply = JSON.parse(json.toString());
      const waiting = this.#waiting.get(reply.id);
      if (!waiting) continue;
      if (reply.error) {
        const { name = "internal", hint = "" } = reply.error.data ?? {};
        waiting.reject(new StationError(name, reply.error.message, hint));
      } else {
        waiting.resolve({ result: reply.result, blob });
      }
    }
  }

  /**
   * Every event with a greater `seq` than `after` (default: from now on), none twice, none missing: what the
   * subscription lost is fetched from the station's journal, across a restart of the daemon too.
   */
  async *events({ after = null } = {}) {
    const subscriber = new Subscriber({ linger: 0, receiveTimeout: SILENCE_MS, ...curve(this.#key) });
    subscriber.connect(this.#events);
    subscriber.subscribe();
    let seq = after;
    let boot = null;
    try {
      for await (const [type, json] of subscriber) {
        const event = type.toString() === "welcome" ? null : JSON.parse(json.toString());
        if (event === null || event.boot !== boot) {
          const status = await this.call("status");
          if (seq !== null) yield* this.#missed(seq, status.seq);
          [boot, seq] = [status.boot, Math.max(seq ?? 0, status.seq)];
        }
        if (event === null || event.seq <= seq) continue;
        const transient = event.type === "heartbeat";
        yield* this.#missed(seq, transient ? event.seq : event.seq - 1);
        if (!transient) yield event;
        seq = event.seq;
      }
    } catch (error) {
      if (error.code === "EAGAIN") throw new StationError("daemon_absent", "the station has fallen silent");
      throw error;
    } finally {
      subscriber.close();
    }
  }

  async *#missed(seq, until) {
    while (seq < until) {
      const page = await this.call("events.since", { seq, limit: PAGE });
      if (page.length === 0) return;
      for (const event of page) {
        if (event.seq > until) return;
        yield event;
        seq = event.seq;
      }
    }
  }

  /** Scan the card under the camera and wait for its maps; `onEvent` sees every event of the scan. */
  async scan({ side = "front", name = "", onEvent = () => {} } = {}) {
    const { seq } = await this.call("status");
    const { scan_id: id } = await this.call("scan.start", { side, name }, { idempotencyKey: randomUUID() });
    for await (const event of this.events({ after: seq })) {
      if (event.cause !== id) continue;
      onEvent(event);
      if (event.type === "scan.failed" || event.type === "scan.interrupted") {
        throw new StationError(event.data.code, event.data.message);
      }
      if (event.type === "scan.processed") return this.call("scan.get", { id });
    }
  }

  /** One file of a scan, such as `results/1/normals.tif`, checked against the hash that the station says. */
  async file(id, file) {
    const pieces = [];
    let have = 0;
    for (;;) {
      const { result, blob } = await this.callWithBlob("scan.file", { id, file, offset: have });
      pieces.push(blob ?? Buffer.alloc(0));
      have += result.length;
      if (have < result.bytes && result.length > 0) continue;
      const whole = Buffer.concat(pieces);
      const found = createHash("sha256").update(whole).digest("hex");
      if (whole.length !== result.bytes || found !== result.sha256) {
        throw new StationError("scan_unreadable", `${file} of scan ${id} did not arrive as it was stored`);
      }
      return whole;
    }
  }

  /** Hang up. */
  close() {
    this.#dealer.close();
  }
}

function curve(key) {
  if (!key) return {};
  return { curvePublicKey: key.public, curveSecretKey: key.secret, curveServerKey: key.server };
}
