// Grants on a session: they come with a token, go with the next one, and nobody else ever sees them.
import { CLOSE, type ServerMessage } from "@tidemark/protocol";
import { beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import type { Identity } from "../../../src/document/definition/define-app.js";
import { documentType } from "../../../src/document/definition/document-type.js";
import type { Identified, Verdict } from "../../../src/session/identity.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { type BenchClient, call, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const diary = documentType({
  state: z.object({ lines: z.array(z.string()), callers: z.array(z.string()) }),
  init: () => ({ lines: [], callers: [] }),
  canOpen: () => false,
  messages: (message) => ({
    write: message(z.string(), (ctx, line) => {
      ctx.state.lines.push(line);
      ctx.state.callers.push(JSON.stringify(ctx.caller));
    }),
  }),
});

const OWN = { doc: "diary/own", may: ["open", "call", "create"] as const };
let bench: SessionBench;
let disk: MemoryDisk;

/** `name@rights@space`, e.g. `ann@all`. */
const identify = (token: string): Identified => {
  const [id = "", rights, space = ""] = token.split("@");
  const grants = rights === "all" ? [OWN] : rights === "reads" ? [{ doc: "diary/own", may: ["open"] as const }] : [];
  return { principal: { id, roles: [], claims: {} }, space, grants, expiresAt: bench.runtime.now() + 3_600_000 };
};

async function said(client: BenchClient): Promise<ServerMessage[]> {
  await bench.settle();
  return client.wire.take();
}

beforeEach(() => {
  disk = new MemoryDisk();
  const store = new MemoryStore({ disk, runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } });
  bench = new SessionBench({ types: { diary }, store, identify });
});

it("[R17] [ACCESS-1] a stream ends when a refreshed token no longer grants it", async () => {
  const ann = await bench.greeted("ann@all");
  ann.say(["open", { s: 1, doc: "diary/own", create: true }]);
  expect((await said(ann)).map(([kind]) => kind)).toEqual(["opened", "snap"]);
  ann.say(["auth", { token: "ann@reads" }]);
  ann.say(call(1, "diary/own", "write", "secret"));
  expect(await said(ann)).toMatchObject([["no", 1, "denied", "This is not allowed.", {}]]);
  ann.say(["auth", { token: "ann" }]);
  expect(await said(ann)).toMatchObject([["ended", { s: 1, code: "denied" }]]);
});

it("[R18] [ACCESS-3] reach neither handlers, nor the log, nor anybody's socket", async () => {
  const ann = await bench.greeted("ann@all");
  const bob = await bench.greeted("bob@reads", { client: "cd".repeat(16) });
  ann.say(["open", { s: 1, doc: "diary/own", create: true }], call(1, "$", "whoami", null));
  await bench.settle();
  bob.say(["open", { s: 1, doc: "diary/own" }]);
  ann.say(call(2, "diary/own", "write", "a line"));
  const seen = JSON.stringify([
    await said(ann),
    await said(bob),
    [...disk.documents.values()].map((d) => d.rowsAfter(0)),
  ]);
  expect(seen).toContain("a line");
  expect(seen).not.toMatch(/grant|diary\/own\*|"may"/);
});

it("[ACCESS-3] a malformed grant refuses its identity, and the operator hears why", async () => {
  const failed: unknown[] = [];
  const check = (grants: unknown): Promise<Verdict> =>
    makeAuthenticator({
      authenticate: () => ({ id: "ann", grants }) as Identity,
      devTokens: false,
      runtime: new VirtualRuntime(),
      onFailed: (error) => void failed.push(error),
    })("token", { loopback: false });
  expect(await check([{ doc: "diary/*", may: ["open", "everything"] }])).toBeUndefined();
  expect(failed).toMatchObject([{ message: expect.stringContaining("grants[0].may[1]") }]);
  expect(await check([OWN])).toMatchObject({ grants: [OWN] });
});

it("[ACCESS-4] a connection has the documents of one space, and a token of another ends it", async () => {
  const ann = await bench.greeted("ann@all");
  const eve = await bench.greeted("eve@all@north", { client: "ef".repeat(16) });
  ann.say(["open", { s: 1, doc: "diary/own", create: true }]);
  await bench.settle();
  eve.say(["open", { s: 1, doc: "diary/own" }], call(1, "diary/own", "write", "a line"));
  expect((await said(eve)).map(([kind, what]) => [kind, what])).toMatchObject([
    ["ended", { code: "not_found" }],
    ["no", 1],
  ]);
  ann.say(["auth", { token: "ann@all@north" }]);
  await bench.settle();
  expect(ann.wire.closed?.code).toBe(CLOSE.restart);
});
