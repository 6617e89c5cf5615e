import { CODECS } from "@tidemark/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { AdapterProcess } from "./client/adapter-process.js";
import { runClientDialogue } from "./client/run.js";
import { clientDialogues } from "./dialogue/dialogue.js";
import { OUR_ADAPTER } from "./our-adapter.js";

const PATIENCE_MS = 20_000;

for (const codec of CODECS) {
  describe(`our client, ${codec.name}`, () => {
    const adapter = new AdapterProcess(OUR_ADAPTER, PATIENCE_MS);
    afterAll(() => adapter.stop());

    for (const dialogue of clientDialogues()) {
      it(`[${dialogue.rules.join("] [")}] ${dialogue.name}`, async () => {
        const target = { adapter, codec, patienceMs: PATIENCE_MS, has: ["patience"] as const };
        // What takes the seconds that its rule names is run by hand.
        const outcome = await runClientDialogue(dialogue, target);
        if (dialogue.needs.includes("minute")) expect(outcome.kind).toBe("skipped");
        else expect(outcome).toEqual({ kind: "held" });
      });
    }
  });
}
