// The backend's client against the real server, with an API key as an operator makes one: killed, busy, limited, revoked.
import { connect } from "@tidemark/client";
import { type ServerClient, server } from "@tidemark/client/http";
import type { App } from "@tidemark/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createServerClient } from "../../clients/typescript/src/backend/server-client.js";
import { backendPlatform } from "../../clients/typescript/src/platform/request.js";
import { Middlebox } from "../support/middlebox.js";
import { type Command, Workplace } from "./cli/command-line.js";

const PUBLISH = "/v1/docs/channel/dogs/publish";

let place: Workplace;
let service: Command;
let url: string;
let key: string;
let box: Middlebox;
let tide: ServerClient<App>;

async function serve(args: readonly string[] = ["--port", "0"]): Promise<void> {
  service = place.start(["serve", ...args]);
  [url = ""] = await service.said(/http:\/\/[\d.:]+/);
}

/** The same place again, after whatever has ended it. */
const serveAgain = (): Promise<void> => serve(["--port", new URL(url).port]);

/** The data of all that was published, oldest first. */
async function published(): Promise<unknown[]> {
  const answer = await fetch(`${url}/v1/channels/dogs?limit=1000`, { headers: { Authorization: `Bearer ${key}` } });
  const { messages }: { messages: { data: unknown }[] } = await answer.json();
  return messages.map(({ data }) => data).reverse();
}

beforeEach(async () => {
  place = new Workplace();
  const powers = ["--grant", "channel/*=open,publish,history", "--may", "tokens,revocations"];
  const { stdout } = await place.run(["key", "create", "shop", ...powers]);
  key = stdout.trim();
  await serve();
  box = await Middlebox.listen(() => url);
  box.fated = PUBLISH;
  tide = server({ url: box.url, key });
});

afterEach(async () => {
  await box.close();
  await place.close();
});

it("[R1] [R6] a publish whose answer is lost with the server is published once", async () => {
  const before = await tide.publish("dogs", "bark", 0);
  box.fates.push("lost");
  const during = tide.publish("dogs", "bark", 1);
  // It is applied; that it is, nobody hears.
  await vi.waitFor(async () => expect(await published()).toEqual([0, 1]));
  await service.end("SIGKILL");
  await serveAgain();
  expect(await during).toEqual({ ...before, seq: before.seq + 1 });
  expect(await published()).toEqual([0, 1]);
});

it("[R6] a copy that comes late, after its server was killed, is not published again", async () => {
  box.fates.push("late");
  const during = tide.publish("dogs", "bark", 1);
  await box.passed(PUBLISH, 1);
  await service.end("SIGKILL");
  await serveAgain();
  const { seq } = await during;
  const [answer = ""] = await box.deliverLate();
  expect(JSON.parse(answer)).toMatchObject({ seq });
  expect(await published()).toEqual([1]);
});

it("[R1] [R6] of publishes under way when the server is killed each is published once", async () => {
  const direct = server({ url, key });
  const all = Array.from({ length: 60 }, (_, index) => direct.publish("dogs", "bark", index));
  await Promise.race(all);
  await service.end("SIGKILL");
  await serveAgain();
  const receipts = await Promise.all(all);
  expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(60);
  expect((await published()).sort((a, b) => Number(a) - Number(b))).toEqual(all.map((_, index) => index));
});

it("[R14] who is sent away for a while comes back, and later than said", async () => {
  await service.end();
  await serve(["--port", new URL(url).port, "--http-rate", "1"]);
  // All that it has saved up: what comes next hears 429 with a Retry-After, and has to wait for its turn.
  await tide.publish(Array.from({ length: 100 }, (_, data) => ({ channel: "dogs", event: "bark", data })));
  await Promise.all([tide.publish("dogs", "bark", "next"), tide.publish("dogs", "bark", "and next")]);
  expect(box.seen.filter((path) => path === PUBLISH).length).toBeGreaterThan(2);
  box.fates.push("busy");
  const { seq } = await tide.publish("dogs", "bark", "at last");
  // The channel began with 1, and there was no message but these.
  expect(seq).toBe(104);
});

it("[R6] the same key with another body is refused, and says so", async () => {
  const at = backendPlatform.now();
  const stuck = { ...backendPlatform, now: () => at, randomBytes: (length: number) => new Uint8Array(length) };
  const twice = createServerClient({ url, key }, stuck);
  const receipt = await twice.publish("dogs", "bark", 1);
  expect(await twice.publish("dogs", "bark", 1)).toEqual(receipt);
  await expect(twice.publish("dogs", "bark", 2)).rejects.toMatchObject({ code: "id_reused", outcome: "rejected" });
  expect(await published()).toEqual([1]);
});

it("[R16] a key that is revoked is refused within 5 s, and says so", async () => {
  await tide.publish("dogs", "bark", 1);
  expect(await place.run(["key", "revoke", "shop"])).toMatchObject({ code: 0 });
  const refused = { code: expect.stringMatching(/^(unauthenticated|revoked)$/), outcome: "rejected" };
  await vi.waitFor(() => expect(tide.publish("dogs", "bark", 2)).rejects.toMatchObject(refused), { timeout: 7_000 });
});

it("several at once, what is refused of them, and what nobody may", async () => {
  const batch = [1, 2, 3].map((data) => ({ channel: "dogs", event: "bark", data }));
  const receipts = await tide.publish(batch);
  expect(receipts.map(({ n }) => n)).toEqual([1, 2, 3]);
  const long = [...batch, { channel: "dogs", event: "x".repeat(1_000), data: 4 }];
  const outcomes = [{ n: 1 }, { n: 2 }, { n: 3 }, { code: "invalid_input", outcome: "rejected" }];
  await expect(tide.publish(long)).rejects.toMatchObject({ code: "invalid_input", outcomes });
  expect(await published()).toEqual([1, 2, 3, 1, 2, 3]);
  await expect(server({ url, key }).publish("dogs", "", 1)).rejects.toMatchObject({ code: "invalid_input" });
  await expect(server({ url, key: "tmk_wrong" }).publish("dogs", "e", 1)).rejects.toMatchObject({
    code: "unauthenticated",
    outcome: "rejected",
  });
});

it("[R16] a token that a backend asked for lets its page in, until it is withdrawn", async () => {
  const token = await tide.token({ sub: "ann", grants: [{ doc: "channel/dogs", may: ["open"] }] });
  const page = connect({ url, token: async () => token });
  const dogs = page.channel("dogs");
  const heard = new Promise((resolve) => dogs.onMessage(resolve));
  await vi.waitFor(() => expect(dogs.status).toBe("live"));
  await tide.publish("dogs", "bark", { loud: true });
  expect(await heard).toMatchObject({ event: "bark", data: { loud: true } });
  await tide.revoke({ sub: "ann" });
  await vi.waitFor(() => expect(dogs.status).not.toBe("live"));
  page.close();
});
