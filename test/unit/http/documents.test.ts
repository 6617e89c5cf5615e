import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpBench, jsonOf } from "../../support/http-bench.js";

let http: HttpBench;

beforeEach(async () => {
  http = await HttpBench.open();
});

afterEach(async () => {
  await http.app.close();
  expect(http.bench.violations).toEqual([]);
});

const EPOCH = expect.any(Number);

describe("documents over HTTP", () => {
  it("[HTTP-1] creates, calls, asks, reads and deletes, each with its position", async () => {
    const created = await http.post("/v1/docs/board/one", { n: 3 });
    expect(created).toMatchObject({ statusCode: 201, headers: { location: "/v1/docs/board/one" } });
    expect(jsonOf(created)).toEqual({ result: null, epoch: EPOCH, seq: 1 });
    expect(jsonOf(await http.post("/v1/docs/board/one/add", { by: 4 }))).toEqual({ result: 7, epoch: EPOCH, seq: 2 });
    expect(jsonOf(await http.post("/v1/docs/board/one/nothing"))).toEqual({ result: null, epoch: EPOCH, seq: 3 });
    expect(jsonOf(await http.post("/v1/docs/board/one/total"))).toEqual({ result: 7 });
    const got = await http.ask("/v1/docs/board/one");
    expect(got.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(jsonOf(got)).toMatchObject({ state: { n: 7 }, epoch: EPOCH, seq: 3 });
    expect(jsonOf(await http.ask("/v1/docs/board/one", { method: "DELETE" }))).toEqual({
      result: null,
      epoch: EPOCH,
      seq: 4,
    });
    expect((await http.ask("/v1/docs/board/one")).statusCode).toBe(410);
    expect(jsonOf(await http.post("/v1/docs/board/one"))).toMatchObject({ seq: 5 });
  });

  it("[HTTP-1] pages through keys and history", async () => {
    for (const key of ["a", "b", "c"]) await http.post(`/v1/docs/board/${key}`, undefined, { as: "service:s" });
    const listed = http.ask("/v1/docs/board?limit=2&after=a", { as: "service:s" });
    expect(jsonOf(await listed)).toEqual({ keys: ["b", "c"] });
    expect(jsonOf(await http.ask("/v1/docs/board?limit=2", { as: "service:s" }))).toEqual({
      keys: ["a", "b"],
      next: "b",
    });
    for (const by of [1, 2]) await http.post("/v1/docs/board/a/add", { by });
    const { entries } = JSON.parse((await http.ask("/v1/docs/board/a/history?after=1&limit=1")).body);
    expect(entries).toMatchObject([{ seq: 2, patch: [{ op: "replace", path: "/n", value: 1 }] }]);
    expect(jsonOf(await http.ask("/v1/docs/board/a?seq=2"))).toMatchObject({ state: { n: 1 }, seq: 2 });
  });

  it("[HTTP-1] says who is asking", async () => {
    expect(jsonOf(await http.ask("/v1/whoami"))).toEqual({
      id: "ann",
      roles: [],
      claims: { from: "bench" },
      expiresAt: http.bench.runtime.now() + 3_600_000,
    });
  });

  it("[HTTP-1] has the checks, their order and the codes of a socket", async () => {
    await http.post("/v1/docs/board/one");
    await http.post("/v1/docs/board/one/ban", "bob");
    const cases = [
      [http.post("/v1/docs/board/one"), 409, "already_exists"],
      [http.post("/v1/docs/board/one/add", { by: "x" }), 400, "invalid_input"],
      [http.post("/v1/docs/board/one/missing"), 404, "unknown_message"],
      [http.post("/v1/docs/board/one/$create"), 404, "unknown_message"],
      [http.post("/v1/docs/board/one/$head"), 404, "unknown_message"],
      [http.post("/v1/docs/board/one/ifLess", -1), 422, "rejected"],
      [http.post("/v1/docs/board/one/boom"), 500, "handler_failed"],
      [http.post("/v1/docs/board/one/add", { by: 1 }, { as: "bob" }), 403, "denied"],
      [http.ask("/v1/docs/board/one", { as: "bob" }), 403, "denied"],
      [http.ask("/v1/docs/board/one?seq=1", { as: "eve" }), 403, "denied"],
      [http.ask("/v1/docs/board/one/history", { as: "eve" }), 403, "denied"],
      [http.ask("/v1/docs/board", { as: "ann" }), 403, "denied"],
      [http.ask("/v1/docs/board/two"), 404, "not_found"],
      [http.ask("/v1/docs/bored/one"), 404, "unknown_type"],
      [http.ask("/v1/docs/board/not%20a%20key"), 400, "invalid_key"],
      [http.ask("/v1/docs/board/one", { method: "DELETE", as: "eve" }), 403, "denied"],
    ] as const;
    for (const [asked, status, code] of cases) {
      const answer = await asked;
      expect(JSON.parse(answer.body)).toMatchObject({ code, status, outcome: "rejected" });
      expect(answer.statusCode).toBe(status);
    }
    expect(http.bench.durable("one")).toBe(2);
  });

  it("[HTTP-1] [R2] answers only what is durable", async () => {
    await http.post("/v1/docs/board/one");
    http.bench.store.holdCommits();
    const call = http.begin("/v1/docs/board/one/add", { method: "POST", body: { by: 1 } });
    await http.settle();
    const looks = [http.begin("/v1/docs/board/one"), http.begin("/v1/docs/board/one/total", { method: "POST" })];
    await http.settle();
    expect([call, ...looks].map(({ isEnded }) => isEnded)).toEqual([false, false, false]);
    http.bench.store.decide("commit");
    expect(jsonOf(await http.answer(call))).toMatchObject({ result: 1, seq: 2 });
    for (const look of looks) expect((await http.answer(look)).statusCode).toBe(200);
  });

  it("[HTTP-9] [R18] an absent document and a forbidden one look the same to a stranger, whatever is asked", async () => {
    await http.post("/v1/docs/board/there");
    await http.post("/v1/docs/board/there/ban", "stranger");
    const asked = (key: string) => {
      const doc = `/v1/docs/board/${key}`;
      const as = "stranger";
      const post = (url: string, body?: unknown, headers = {}) => http.post(url, body, { as, headers });
      return [
        http.ask(doc, { as }),
        http.ask(doc, { as, headers: { "if-none-match": "*" } }),
        http.ask(`${doc}?at-least=0`, { as }),
        http.ask(`${doc}?at-least=99&wait=0`, { as }),
        http.ask(`${doc}?seq=1`, { as }),
        http.ask(`${doc}/history`, { as }),
        http.ask(doc, { as, method: "DELETE" }),
        post(doc),
        post(`${doc}/add`, { by: 1 }),
        post(`${doc}/add`, { by: "x" }),
        post(`${doc}/add`, { by: 1 }, { "if-match": '"9"', "idempotency-key": "a-key-of-nobody" }),
        post(`${doc}/total`),
        post("/v1/batch", { calls: [{ doc: `board/${key}`, name: "add", input: { by: 1 }, ifSeq: 9 }] }),
      ];
    };
    const seen = async (key: string) => {
      const answers = await Promise.all(asked(key));
      return answers.map(({ statusCode, headers, body }) => ({ statusCode, headers: { ...headers, date: "" }, body }));
    };
    expect(await seen("there")).toEqual(await seen("absent"));
  });

  it("[HTTP-3] refuses with problem details: code, outcome, retry, fault, and what the document said", async () => {
    await http.post("/v1/docs/board/one");
    const answer = await http.post("/v1/docs/board/one/ifLess", -1);
    expect(answer.headers).toMatchObject({
      "content-type": "application/problem+json; charset=utf-8",
      "cache-control": "no-store",
    });
    expect(jsonOf(answer)).toEqual({
      type: "about:blank",
      title: "Unprocessable Entity",
      status: 422,
      detail: "it is too much",
      code: "rejected",
      outcome: "rejected",
      retry: "never",
      fault: "caller",
      hint: expect.any(String),
      reason: "too_much",
      data: { n: 0 },
    });
  });

  it("[HTTP-3] says when to come back, in the body and in Retry-After", async () => {
    await http.post("/v1/docs/board/one");
    http.bench.store.plan = () => "disk_full";
    const answer = await http.post("/v1/docs/board/one/nothing");
    expect(answer).toMatchObject({ statusCode: 507, headers: { "retry-after": "1" } });
    expect(jsonOf(answer)).toMatchObject({ code: "disk_full", outcome: "rejected", retry: "after", afterMs: 1_000 });
  });

  it("[HTTP-1] no answer may be kept by anybody", async () => {
    await http.post("/v1/docs/board/one");
    for (const url of ["/v1/docs/board/one", "/v1/docs/board/two", "/v1/whoami"]) {
      expect((await http.ask(url)).headers["cache-control"]).toBe("no-store");
    }
  });

  it.each(["?sequence=1", "?seq=1&seq=2", "?seq=-1", "?seq=1e3", "?seq=", "?at-least=9007199254740993", "?wait=31"])(
    "[HTTP-1] a parameter that is unknown, twice there or no number is named, never ignored: %s",
    async (query) => {
      await http.post("/v1/docs/board/one");
      const answer = await http.ask(`/v1/docs/board/one${query}`);
      expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([400, "invalid_input"]);
    },
  );

  it("[HTTP-1] answers HEAD as GET, without the body", async () => {
    await http.post("/v1/docs/board/one");
    const [get, head] = [
      await http.ask("/v1/docs/board/one"),
      await http.ask("/v1/docs/board/one", { method: "HEAD" }),
    ];
    expect([head.statusCode, head.body, head.headers.etag]).toEqual([200, "", get.headers.etag]);
  });
});

describe("positions over HTTP", () => {
  const etagOf = async (url: string): Promise<string> => String((await http.ask(url)).headers.etag);

  it("[HTTP-7] an ETag names what was shown: 304 while it is the same, another one after each change", async () => {
    await http.post("/v1/docs/board/one");
    const etag = await etagOf("/v1/docs/board/one");
    for (const match of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = await http.ask("/v1/docs/board/one", { headers: { "if-none-match": match } });
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, "", etag]);
    }
    await http.post("/v1/docs/board/one/nothing");
    const changed = await http.ask("/v1/docs/board/one", { headers: { "if-none-match": etag } });
    expect(changed.statusCode).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });

  it("[HTTP-5] a call under If-Match is applied only at that seq, epoch or ETag", async () => {
    await http.post("/v1/docs/board/one");
    const add = (ifMatch: string) =>
      http.post("/v1/docs/board/one/add", { by: 1 }, { headers: { "if-match": ifMatch } });
    const { epoch } = JSON.parse((await http.ask("/v1/docs/board/one")).body);
    expect((await add('"1"')).statusCode).toBe(200);
    expect((await add(`"${epoch}.2"`)).statusCode).toBe(200);
    expect((await add(await etagOf("/v1/docs/board/one"))).statusCode).toBe(200);
    for (const stale of ['"1"', `"${epoch}.3"`, `"${epoch + 1}.4"`]) {
      const answer = await add(stale);
      expect([answer.statusCode, JSON.parse(answer.body)]).toMatchObject([412, { code: "conflict", data: { seq: 4 } }]);
    }
    for (const wrong of ["4", '"four"', 'W/"4"', '"4", "5"', "*"]) expect((await add(wrong)).statusCode).toBe(400);
    expect(http.bench.durable()).toBe(4);
  });

  it("[HTTP-5] holds for delete and create too, and says nothing of a seq to who may not read", async () => {
    await http.post("/v1/docs/board/one");
    await http.post("/v1/docs/board/one/ban", "bob");
    const at1 = { headers: { "if-match": '"1"' } };
    expect((await http.ask("/v1/docs/board/one", { method: "DELETE", ...at1 })).statusCode).toBe(412);
    expect((await http.post("/v1/docs/board/two", undefined, at1)).statusCode).toBe(412);
    const refused = await http.post("/v1/docs/board/one/add", { by: 1 }, { as: "bob", ...at1 });
    expect([refused.statusCode, refused.body.includes("seq")]).toEqual([403, false]);
  });

  it("[HTTP-7] waits for a seq, at most as long as it is told", async () => {
    await http.post("/v1/docs/board/one");
    const waiting = http.begin("/v1/docs/board/one?at-least=3&wait=20");
    await http.bench.runtime.advance(5_000);
    await http.post("/v1/docs/board/one/add", { by: 1 });
    await http.bench.runtime.advance(5_000);
    expect(waiting.isEnded).toBe(false);
    await http.post("/v1/docs/board/one/add", { by: 1 });
    await http.bench.runtime.advance(500);
    expect(jsonOf(await http.answer(waiting))).toMatchObject({ state: { n: 2 }, seq: 3 });
    const inVain = http.begin("/v1/docs/board/one?at-least=9&wait=20");
    await http.bench.runtime.advance(19_000);
    expect(inVain.isEnded).toBe(false);
    await http.bench.runtime.advance(1_500);
    const answer = await http.answer(inVain);
    expect([answer.statusCode, JSON.parse(answer.body)]).toMatchObject([
      504,
      { code: "deadline_exceeded", data: { seq: 3 } },
    ]);
  });

  it("[HTTP-6] a call without an answer at its deadline is unknown, and asked about under its key", async () => {
    await http.post("/v1/docs/board/one");
    http.bench.store.holdCommits();
    const headers = { "deadline-ms": "500", "idempotency-key": "a-key-of-ann" };
    const call = http.begin("/v1/docs/board/one/add", { method: "POST", body: { by: 1 }, headers });
    await http.bench.runtime.advance(499);
    expect(call.isEnded).toBe(false);
    await http.bench.runtime.advance(1);
    const answer = await http.answer(call);
    expect(answer.statusCode).toBe(504);
    expect(jsonOf(answer)).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
    http.bench.store.decide("commit");
    http.bench.store.plan = () => "commit";
    expect(jsonOf(await http.post("/v1/docs/board/one/add", { by: 1 }, { headers }))).toMatchObject({
      result: 1,
      seq: 2,
    });
    expect(http.bench.durable()).toBe(2);
  });

  it("[HTTP-6] a call that has not begun by its deadline never does", async () => {
    http.bench.store.hold("load");
    const call = http.begin("/v1/docs/board/one", { method: "POST", headers: { "deadline-ms": "500" } });
    await http.bench.runtime.advance(500);
    expect(jsonOf(await http.answer(call))).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
    http.bench.store.letGo("load");
    await http.settle();
    expect(http.bench.durable()).toBe(0);
    for (const wrong of ["0", "30001", "soon"]) {
      expect((await http.ask("/v1/whoami", { headers: { "deadline-ms": wrong } })).statusCode).toBe(400);
    }
  });
});

describe("a batch", () => {
  const batch = (calls: unknown, headers: Record<string, string> = {}) =>
    http.post("/v1/batch", { calls }, { headers });

  it("[HTTP-8] hands calls on in their order and answers each", async () => {
    const answer = await batch([
      { doc: "board/one", create: { n: 1 } },
      { doc: "board/one", name: "add", input: { by: 2 } },
      { doc: "board/two", name: "add", input: { by: 2 } },
      { doc: "board/one", name: "ifLess", input: 2 },
      { doc: "board/one", name: "total" },
      { doc: "board/one", name: "add", input: { by: 1 }, ifSeq: 2 },
      { doc: "board/one", name: "add", input: { by: 1 }, ifSeq: 2 },
      { doc: "board/one", delete: true },
    ]);
    expect(answer.statusCode).toBe(200);
    expect(jsonOf(answer)).toEqual({
      outcomes: [
        { result: null, epoch: EPOCH, seq: 1 },
        { result: 3, epoch: EPOCH, seq: 2 },
        expect.objectContaining({ status: 404, code: "not_found" }),
        expect.objectContaining({ status: 422, code: "rejected", reason: "too_much" }),
        { result: 3 },
        { result: 4, epoch: EPOCH, seq: 3 },
        expect.objectContaining({ status: 412, code: "conflict" }),
        { result: null, epoch: EPOCH, seq: 4 },
      ],
    });
  });

  it("[HTTP-8] [R6] repeated under its key, repeats each outcome and applies nothing", async () => {
    await http.post("/v1/docs/board/one");
    const calls = [
      { doc: "board/one", name: "add", input: { by: 1 } },
      { doc: "board/one", name: "ifLess", input: 0 },
      { doc: "board/one", name: "add", input: { by: 1 } },
    ];
    const key = { "idempotency-key": "the-batch-of-ann" };
    const first = JSON.parse((await batch(calls, key)).body).outcomes;
    http.bench.restart();
    http.documents = http.bench.documents;
    const again = JSON.parse((await batch(calls, key)).body).outcomes;
    expect([again[0], again[2]]).toEqual([first[0], first[2]]);
    expect([first[1].code, again[1].code]).toEqual(["rejected", "superseded"]);
    expect(http.bench.durable()).toBe(3);
  });

  it.each([
    ["nothing", undefined],
    ["no list", {}],
    ["an empty list", []],
    ["no object", [1]],
    ["no document", [{ name: "add" }]],
    ["a malformed id", [{ doc: "board", name: "add" }]],
    ["two at once", [{ doc: "board/one", name: "add", create: true }]],
    ["nothing to do", [{ doc: "board/one" }]],
    ["a service's own name", [{ doc: "board/one", name: "$create" }]],
    ["an unknown field", [{ doc: "board/one", name: "add", inputs: 1 }]],
    ["no seq", [{ doc: "board/one", name: "add", ifSeq: "1" }]],
  ])("[HTTP-8] that cannot be understood is refused whole: %s", async (_, calls) => {
    const good = { doc: "board/one", create: true };
    const answer = await batch(Array.isArray(calls) && calls.length > 0 ? [good, ...calls] : calls);
    expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([400, "invalid_input"]);
    expect(http.bench.durable()).toBe(0);
  });

  it("[HTTP-8] is at most so long, and its conditions are in it", async () => {
    const calls = Array.from({ length: 101 }, () => ({ doc: "board/one", name: "total" }));
    expect(await batch(calls)).toMatchObject({ statusCode: 413 });
    expect(await batch(calls.slice(1))).toMatchObject({ statusCode: 200 });
    expect(await batch(calls.slice(1), { "if-match": '"1"' })).toMatchObject({ statusCode: 400 });
  });
});
