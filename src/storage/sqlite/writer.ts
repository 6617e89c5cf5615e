// The writer thread: opens the file its settings name, answers requests in the order they come, and ends when told to
// close. It reads no clock: time comes with the settings and with each request.
import { parentPort, workerData } from "node:worker_threads";
import { InvariantError } from "../../runtime/invariant.js";
import { type OpenSettings, openEngine } from "./open-engine.js";
import { OpenFailure } from "./open-failure.js";
import type { WriterEvent, WriterRequest } from "./writer-calls.js";
import type { WriterStarted } from "./writer-link.js";
import { WriterLoop } from "./writer-loop.js";

function run(settings: OpenSettings): void {
  const port = parentPort;
  if (port === null) throw new InvariantError("the writer runs in a thread of its own");
  let events: WriterEvent[] = [];
  const takeEvents = (): WriterEvent[] => {
    const taken = events;
    events = [];
    return taken;
  };
  try {
    const { engine, generation, close } = openEngine(settings, (event) => events.push(event));
    const loop = new WriterLoop(engine, { close, takeEvents });
    port.on("message", (request: WriterRequest) => {
      port.postMessage(loop.answer(request));
      if (request.op === "close") port.close();
    });
    port.postMessage({ ok: true, generation, events: takeEvents() } satisfies WriterStarted);
  } catch (error) {
    if (!(error instanceof OpenFailure)) throw error;
    const { code, message, hint } = error;
    port.postMessage({ ok: false, code, message, hint } satisfies WriterStarted);
    port.close();
  }
}

run(workerData);
