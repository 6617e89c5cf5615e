// Regular expressions in schemas, on texts made to have them go back and forth, over real sockets: whoever stands by is served.
import { fileURLToPath } from "node:url";
import type { Json } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Workplace } from "../e2e/cli/command-line.js";
import { AttackedServer } from "../support/attacked-server.js";

const APP = fileURLToPath(new URL("./apps/patterns.ts", import.meta.url));

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP });
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

const call = (n: number, name: string, input: Json): Json => ["c", n, "form/a", name, input, { born: Date.now() }];

it.each(["a", "@", "a@", "@.", "-", "a-", " ", "a ", ".", "a.", "0", "\t", "é", "ab"])(
  "[S22] [R19] 150,000 characters of %j keep nobody waiting",
  async (text) => {
    const long = `${text.repeat(150_000 / text.length)}\u0000`;
    const socket = await attacked.enter("mal");
    await socket.say(["open", { s: 1, doc: "form/a", create: true }]);
    await socket.hears("snap");
    await socket.say(call(1, "send", { to: long }), call(2, "name", long));
    await socket.say(call(3, "send", { to: "a@b.c", mail: long }));
    await socket.say(call(4, "send", { to: "a@b.c", link: long, at: long }));
    await socket.say(["open", { s: 2, doc: "form/a", params: { tag: long.slice(0, 4_000) } }]);
    await socket.say(["sig", 1, "wave", long.slice(0, 4_000)]);
    for (let n = 0; n < 3; n += 1) await attacked.isServed();
    for (const n of [1, 2, 3, 4]) expect((await socket.answer(n))[0]).toBe("no");
    await socket.settled();
  },
);

it("[S22] [R19] an application with a pattern that would is not served, and told which it is", async () => {
  const place = new Workplace();
  place.write(
    "app.ts",
    `import { defineApp, documentType } from "tidemark";
import { z } from "zod";
const form = documentType({
  state: z.object({}),
  init: () => ({}),
  messages: (message) => ({ send: message(z.object({ words: z.string().regex(/^(\\w+\\s?)*$/) }), () => undefined) }),
});
export const app = defineApp({ documents: { form }, authenticate: () => null });
`,
  );
  const { code, stderr } = await place.run(["serve", "app.ts", "--port", "0"]);
  await place.close();
  expect(code).toBe(1);
  expect(stderr).toContain("`messages.send (input)` has a pattern");
  expect(stderr).toContain(String.raw`/^(\w+\s?)*$/`);
});
