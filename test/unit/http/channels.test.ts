import { afterEach, beforeEach, expect, it } from "vitest";
import { channelType } from "../../../src/document/channels/channel-type.js";
import { checkedGrants } from "../../../src/document/grants.js";
import { HttpBench, jsonOf } from "../../support/http-bench.js";

const EPOCH = expect.any(Number);

let http: HttpBench;

beforeEach(async () => {
  http = await HttpBench.open({
    types: new Map([["channel", channelType([])]]),
    // A token is the rights it has on `chat-*`.
    identify: async (token) => ({
      principal: { id: "ann", roles: [], claims: {} },
      space: "",
      expiresAt: Number.MAX_SAFE_INTEGER,
      grants: checkedGrants([{ doc: "channel/chat-*", may: token.split("+") }]),
    }),
  });
});

afterEach(() => http.app.close());

const publish = (path: string, body?: unknown, headers = {}) =>
  http.post(`/v1/channels/${path}`, body, { as: "publish+open", headers });
const messages = async (query = "") => jsonOf(await http.ask(`/v1/channels/chat-dogs${query}`, { as: "open" }));

it("[HTTP-13] publishes the body as it is, a list too, and null without one", async () => {
  expect(jsonOf(await publish("chat-dogs/say", { text: "woof" }))).toEqual({ result: null, epoch: EPOCH, seq: 2 });
  await publish("chat-dogs/list", [1, 2]);
  await publish("chat-dogs/bell");
  expect(await messages()).toEqual({
    messages: [
      { seq: 4, at: expect.any(Number), event: "bell", data: null },
      { seq: 3, at: expect.any(Number), event: "list", data: [1, 2] },
      { seq: 2, at: expect.any(Number), event: "say", data: { text: "woof" } },
    ],
  });
});

it("[HTTP-13] [R6] publishes several in their order, each once", async () => {
  const several = Array.from({ length: 100 }, (_, n) => ({ event: "count", data: n }));
  const key = { "idempotency-key": "a-hundred-of-them" };
  const first = await publish("chat-dogs", several, key);
  expect(jsonOf(await publish("chat-dogs", several, key))).toEqual(jsonOf(first));
  const page = JSON.parse(JSON.stringify(await messages("?limit=60")));
  expect(page.messages.map(({ data }: { data: number }) => data)).toEqual(Array.from({ length: 60 }, (_, n) => 99 - n));
  const rest = JSON.parse(JSON.stringify(await messages(`?before=${page.next}`)));
  expect(rest.messages).toHaveLength(40);
});

it("[HTTP-13] pages of history say where to go on", async () => {
  for (let n = 0; n < 3; n += 1) await publish("chat-dogs/count", n);
  expect(await messages("?limit=2")).toMatchObject({ messages: [{ data: 2 }, { data: 1 }], next: 3 });
  expect(await messages("?limit=2&before=3")).toEqual({ messages: [expect.objectContaining({ data: 0 })] });
});

it("[HTTP-13] [CHANNEL-4] looks back at some messages only", async () => {
  for (let n = 0; n < 6; n += 1)
    await publish(`chat-dogs/${n % 2 === 0 ? "even" : "odd"}`, { n, half: Math.floor(n / 3) });
  const found = async (query: string) =>
    JSON.parse(JSON.stringify(await messages(query))).messages.map(({ data }: { data: { n: number } }) => data.n);
  expect(await found("?event=even")).toEqual([4, 2, 0]);
  expect(await found(`?where=${encodeURIComponent('{"half":1}')}`)).toEqual([5, 4, 3]);
  expect(await found(`?event=even&limit=1&where=${encodeURIComponent('{"half":0}')}`)).toEqual([2]);
});

it.each([["event="], ["where=1"], ["where={}"], ["where={"], ['where={"a":[1]}'], ["events=a"], ["event=a&event=b"]])(
  "[HTTP-13] refuses the filter %s",
  async (query) => {
    await publish("chat-dogs/say", 1);
    const answer = await http.ask(`/v1/channels/chat-dogs?${encodeURI(query)}`, { as: "open" });
    expect(answer.statusCode).toBe(400);
  },
);

it.each([
  ["no list", { event: "say" }],
  ["an empty one", []],
  ["no message", [1]],
  ["no event", [{ data: 1 }]],
])("[HTTP-13] a list that cannot be understood is refused whole: %s", async (_, body) => {
  const listed = Array.isArray(body) && body.length > 0 ? [{ event: "good" }, ...body] : body;
  const answer = await publish("chat-dogs", listed);
  expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([400, "invalid_input"]);
  expect(await messages()).toEqual({ messages: [] });
});

it("[HTTP-13] needs the grant: to publish, and to look back", async () => {
  await publish("chat-dogs/say", 1);
  for (const answer of [
    await http.post("/v1/channels/chat-dogs/say", 1, { as: "open" }),
    await http.post("/v1/channels/other/say", 1, { as: "publish" }),
    await http.ask("/v1/channels/chat-dogs", { as: "publish" }),
    await http.ask("/v1/channels/other", { as: "open" }),
  ]) {
    expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([403, "denied"]);
  }
  expect((await publish("chat-dogs/gap", 1)).statusCode).toBe(400);
  expect((await publish("chat-dogs", Array(101).fill({ event: "e" }))).statusCode).toBe(413);
});
