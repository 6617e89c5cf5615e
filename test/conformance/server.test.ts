import { CODECS } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverDialogues } from "./dialogue/dialogue.js";
import { type OurServer, startOurServer } from "./server/our-server.js";
import { runServerDialogue } from "./server/run.js";

const PATIENCE_MS = 20_000;
const HAS = ["people", "patience", "restart"] as const;
/** Long enough for everything that is answered, and short for what waits for it. */
const WATCHDOG_MS = 1_500;

let server: OurServer;
let impatient: OurServer;

beforeAll(async () => {
  server = await startOurServer();
  impatient = await startOurServer(WATCHDOG_MS);
});
afterAll(async () => {
  await server.close();
  await impatient.close();
});

for (const codec of CODECS) {
  describe.concurrent(`our server, ${codec.name}`, () => {
    for (const dialogue of serverDialogues()) {
      const { name, rules, needs } = dialogue;
      it(`[${rules.join("] [")}] ${name}`, async ({ onTestFinished }) => {
        const own = needs.includes("restart") ? await startOurServer() : undefined;
        onTestFinished(async () => own?.close());
        const { url } = own ?? (needs.includes("patience") ? impatient : server);
        const target = { url, codec, token: "user:{name}", patienceMs: PATIENCE_MS, has: HAS };
        const outcome = await runServerDialogue(dialogue, own === undefined ? target : { ...target, control: own });
        // What takes the seconds that its rule names is run by hand.
        if (needs.includes("minute")) expect(outcome.kind).toBe("skipped");
        else expect(outcome).toEqual({ kind: "held" });
      });
    }
  });
}
