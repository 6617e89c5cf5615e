import { ERRORS, LIMITS } from "@tidemark/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Admission } from "../../../src/http/admission.js";
import { ERROR_STATUS } from "../../../src/http/error-status.js";
import { callerOf } from "../../support/document-bench.js";
import { HttpBench, type HttpBenchOptions, jsonOf } from "../../support/http-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const opened: HttpBench[] = [];

async function open(options: HttpBenchOptions = {}): Promise<HttpBench> {
  const http = await HttpBench.open(options);
  opened.push(http);
  await http.post("/v1/docs/board/one");
  return http;
}

afterEach(async () => {
  for (const http of opened.splice(0)) await http.app.close();
});

describe("who asks", () => {
  it.each(["", "nobody"])("[HTTP-2] without a valid token nothing is answered, and no body read: %j", async (as) => {
    const http = await open();
    for (const url of ["/v1/docs/board/one", "/v1/docs/board", "/v1/whoami"]) {
      const answer = await http.ask(url, { as });
      expect(answer).toMatchObject({ statusCode: 401, headers: { "www-authenticate": "Bearer" } });
      expect(jsonOf(answer)).toMatchObject({ code: "unauthenticated", retry: "reconnect" });
    }
    const posted = await http.post("/v1/docs/board/one/add", undefined, { as, raw: "x".repeat(2_000_000) });
    expect(posted).toMatchObject({ statusCode: 401, headers: { connection: "close" } });
  });

  it.each(["Basic YW5uOmFubg==", "Bearer", "Bearer ", "Bearer a b", `Bearer ${"x".repeat(8_193)}`, "ann"])(
    "[HTTP-2] what is no bearer token is nobody's: %.20s",
    async (authorization) => {
      const http = await open();
      http.asked.length = 0;
      expect((await http.ask("/v1/whoami", { headers: { authorization } })).statusCode).toBe(401);
      expect(http.asked).toEqual([]);
    },
  );

  it("[HTTP-2] [R17] is found out anew at each request", async () => {
    const http = await open();
    http.asked.length = 0;
    for (let time = 0; time < 3; time += 1) await http.ask("/v1/docs/board/one");
    expect(http.asked).toEqual(["ann", "ann", "ann"]);
  });

  it("[HTTP-2] [R17] nobody is answered by documents when their token has expired meanwhile", async () => {
    const principal = { id: "ann", roles: [], claims: {} };
    let expiresAt = Number.MAX_SAFE_INTEGER;
    const http = await open({ identify: async () => ({ principal, space: "", expiresAt }) });
    expiresAt = http.bench.runtime.now() + 1_000;
    const waiting = http.begin("/v1/docs/board/one?at-least=7");
    await http.bench.runtime.advance(1_000);
    expect(jsonOf(await http.answer(waiting))).toMatchObject({ code: "deadline_exceeded" });
  });

  it("[HTTP-2] [R17] whoever has waited is asked about again, and gets what they may have then", async () => {
    const lives = { ann: true };
    const principal = { id: "ann", roles: [], claims: {} };
    const http = await open({
      identify: async () => (lives.ann ? { principal, space: "", expiresAt: Number.MAX_SAFE_INTEGER } : undefined),
    });
    const waiting = http.begin("/v1/docs/board/one?at-least=2");
    const inVain = http.begin("/v1/docs/board/one?at-least=9&wait=5");
    await http.bench.runtime.advance(2_000);
    await http.post("/v1/docs/board/one/add", { by: 1 });
    lives.ann = false;
    await http.bench.runtime.advance(5_000);
    for (const answer of [await http.answer(waiting), await http.answer(inVain)]) {
      expect([answer.statusCode, answer.body.includes("seq")]).toEqual([401, false]);
    }
  });

  it("[HTTP-2] a name that was bent to this machine opens no door that is for this machine only", async () => {
    const sources: boolean[] = [];
    const http = await open({
      loopbackNamesOnly: true,
      identify: async (_token, { loopback }) => {
        sources.push(loopback);
        return undefined;
      },
    });
    sources.length = 0;
    for (const host of ["localhost:8787", "127.0.0.1", "[::1]:8787", "rebound.example", "localhost.evil.example"]) {
      await http.ask("/v1/whoami", { headers: { host } });
    }
    expect(sources).toEqual([true, true, true, false, false]);
  });
});

describe("bodies", () => {
  const post = (http: HttpBench, raw: string | Buffer, headers = {}) =>
    http.post("/v1/docs/board/one/set", undefined, { raw, headers });

  it.each([
    ["no JSON", "{", "protocol_error", 400],
    ["two values", "1,2", "protocol_error", 400],
    ["a closed bracket", "1],[2", "protocol_error", 400],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "protocol_error", 400],
    ["__proto__", '{"__proto__":{"admin":true}}', "protocol_error", 400],
    ["__proto__, spelt out", '{"\\u005f_proto__":1}', "protocol_error", 400],
    ["too deep", `${"[".repeat(100)}${"]".repeat(100)}`, "too_large", 413],
    ["too long", `"${"x".repeat(LIMITS.inputBytesMax)}"`, "too_large", 413],
  ])("[HTTP-10] %s", async (_, raw, code, status) => {
    const http = await open();
    const answer = await post(http, raw);
    expect([JSON.parse(answer.body).code, answer.statusCode]).toEqual([code, status]);
    expect(http.bench.durable()).toBe(1);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"])(
    "[HTTP-10] of another type: %s",
    async (type) => {
      const http = await open();
      const answer = await post(http, "{}", { "content-type": type });
      expect([JSON.parse(answer.body).code, answer.statusCode]).toEqual(["protocol_error", 415]);
    },
  );

  it("[HTTP-10] `constructor` and the like are keys as any other", async () => {
    const http = await open();
    for (const key of ["constructor", "toString", "hasOwnProperty"]) {
      expect((await http.post("/v1/docs/board/one/set", { key, value: 1 })).statusCode).toBe(200);
    }
    expect(JSON.parse((await http.ask("/v1/docs/board/one")).body).state.items).toEqual({
      constructor: 1,
      toString: 1,
      hasOwnProperty: 1,
    });
  });
});

describe("how much", () => {
  it("[HTTP-10] [R15] one principal has 256 calls under way, and others are not kept waiting", async () => {
    const http = await open();
    http.bench.store.holdCommits();
    const adding = (as: string) => http.begin("/v1/docs/board/one/add", { method: "POST", as, body: { by: 1 } });
    const calls = Array.from({ length: LIMITS.inFlightMax }, () => adding("ann"));
    await http.settle();
    const refused = await http.answer(adding("ann"));
    expect(refused).toMatchObject({ statusCode: 429, headers: { "retry-after": "1" } });
    expect(jsonOf(refused)).toMatchObject({ code: "limit_reached", data: { limit: "inFlightMax" } });
    const bobs = adding("bob");
    await http.settle();
    expect(bobs.isEnded).toBe(false);
    http.bench.store.plan = () => "commit";
    http.bench.store.decide("commit");
    for (const call of [...calls, bobs]) expect((await http.answer(call)).statusCode).toBe(200);
    expect((await http.ask("/v1/whoami")).statusCode).toBe(200);
  });

  it("[HTTP-10] [R15] the calls of a batch count, each", async () => {
    const http = await open({ callsPerSecond: 50 });
    const calls = Array.from({ length: 100 }, () => ({ doc: "board/one", name: "total" }));
    await http.bench.runtime.advance(2_000);
    expect((await http.post("/v1/batch", { calls })).statusCode).toBe(200);
    const answer = await http.post("/v1/batch", { calls });
    expect(answer).toMatchObject({ statusCode: 429 });
    expect(jsonOf(answer)).toMatchObject({ code: "rate_limited", fault: "caller", afterMs: 20 });
    await http.bench.runtime.advance(1_000);
    expect((await http.ask("/v1/whoami")).statusCode).toBe(200);
  });

  it("[HTTP-10] a rate is each principal's own, and comes back with time", async () => {
    const http = await open({ callsPerSecond: 50 });
    const statuses = async (as: string): Promise<number[]> => {
      const all = [];
      for (let time = 0; time < 101; time += 1) all.push((await http.ask("/v1/whoami", { as })).statusCode);
      return all;
    };
    expect((await statuses("bob")).filter((status) => status === 429)).toHaveLength(1);
    expect((await http.ask("/v1/whoami", { as: "eve" })).statusCode).toBe(200);
    await http.bench.runtime.advance(20);
    expect((await http.ask("/v1/whoami", { as: "bob" })).statusCode).toBe(200);
  });

  describe("admission", () => {
    const enter = (admission: Admission, id: string, bytes = 0) => admission.enter(callerOf(id), bytes);

    it("[HTTP-10] [R14] bodies of one principal, and of all, have a budget", () => {
      const admission = new Admission({ runtime: new VirtualRuntime(), callsPerSecond: 0 });
      const { inputBytesMax, httpBodyBytesMax, httpBodyBytesPerPrincipalMax } = LIMITS;
      const each = httpBodyBytesPerPrincipalMax / inputBytesMax;
      const principals = httpBodyBytesMax / httpBodyBytesPerPrincipalMax;
      const entered = Array.from({ length: principals * each }, (_, n) =>
        enter(admission, `p${n % principals}`, inputBytesMax),
      );
      expect(() => enter(admission, "p0", 1)).toThrow(expect.objectContaining({ code: "limit_reached" }));
      expect(() => enter(admission, "late", 1)).toThrow(expect.objectContaining({ code: "overloaded" }));
      enter(admission, "late", 0).leave();
      entered[0]?.leave();
      enter(admission, "late", inputBytesMax).leave();
    });

    it("[HTTP-10] [R14] answers that nobody takes have a budget, of one principal and of all", () => {
      const admission = new Admission({ runtime: new VirtualRuntime(), callsPerSecond: 0 });
      const { stateBytesMax, httpAnswerBytesMax, httpAnswerBytesPerPrincipalMax } = LIMITS;
      const answered = Array.from({ length: httpAnswerBytesMax / stateBytesMax }, (_, n) => {
        const one = enter(admission, `p${Math.floor((n * stateBytesMax) / httpAnswerBytesPerPrincipalMax)}`);
        one.answer(stateBytesMax);
        return one;
      });
      const first = enter(admission, "p0");
      expect(() => first.answer(1)).toThrow(expect.objectContaining({ code: "limit_reached" }));
      const late = enter(admission, "late");
      expect(() => late.answer(1)).toThrow(expect.objectContaining({ code: "overloaded" }));
      answered[0]?.leave();
      late.answer(1);
      first.answer(stateBytesMax - 1);
    });

    it("[HTTP-10] [R14] a process has so many calls under way, whoever they are of", () => {
      const admission = new Admission({ runtime: new VirtualRuntime(), callsPerSecond: 0 });
      const entered = Array.from({ length: LIMITS.httpInFlightMax }, (_, n) => enter(admission, `p${n % 100}`));
      expect(() => enter(admission, "late")).toThrow(expect.objectContaining({ code: "overloaded" }));
      for (const one of entered) one.leave();
      enter(admission, "late").leave();
    });

    it("[HTTP-10] [R14] forgets principals who have nothing under way and all of their rate", async () => {
      const runtime = new VirtualRuntime();
      const admission = new Admission({ runtime, callsPerSecond: 10 });
      const busy = enter(admission, "busy");
      for (let n = 0; n < 5_000; n += 1) {
        enter(admission, `p${n}`).leave();
        if (n % 10 === 0) await runtime.advance(100);
      }
      expect(admission.principals).toBeLessThan(100);
      for (let n = 1; n < 20; n += 1) enter(admission, "busy");
      busy.leave();
    });
  });
});

describe("pages of other origins", () => {
  const from = (origin: string) => ({ headers: { origin, host: "tide.example" } });

  it("[HTTP-11] may call when their origin is listed, exactly", async () => {
    const http = await open({ origins: ["https://app.example"] });
    const allowed = await http.ask("/v1/docs/board/one", from("https://app.example"));
    expect(allowed).toMatchObject({
      statusCode: 200,
      headers: {
        "access-control-allow-origin": "https://app.example",
        vary: "Origin",
        "access-control-expose-headers": "ETag, Location, Retry-After",
      },
    });
    expect(allowed.headers["access-control-allow-credentials"]).toBeUndefined();
    expect((await http.ask("/v1/docs/board/one", from("https://tide.example"))).statusCode).toBe(200);
    for (const origin of ["https://app.example.evil", "https://evil.example", "http://app.example", "null"]) {
      http.asked.length = 0;
      const refused = await http.ask("/v1/docs/board/one", from(origin));
      expect([refused.statusCode, JSON.parse(refused.body).code]).toEqual([403, "origin_refused"]);
      expect([refused.headers["access-control-allow-origin"], http.asked]).toEqual([undefined, []]);
    }
  });

  it("[HTTP-11] are told before they send, without a token", async () => {
    const http = await open({ origins: ["https://app.example"] });
    const asking = (origin: string, url: string) => http.ask(url, { method: "OPTIONS", as: "", ...from(origin) });
    for (const url of ["/v1/docs/board/one/add", "/v1/batch", "/v1/docs/board"]) {
      const answer = await asking("https://app.example", url);
      expect(answer).toMatchObject({
        statusCode: 204,
        headers: {
          "access-control-allow-origin": "https://app.example",
          "access-control-allow-methods": "GET, HEAD, POST, DELETE",
          "access-control-allow-headers": expect.stringContaining("Idempotency-Key"),
        },
      });
      expect((await asking("https://evil.example", url)).statusCode).toBe(403);
    }
  });
});

describe("a server that stops", () => {
  it("[HTTP-12] answers what is under way, as unknown if it must, and takes nothing on", async () => {
    const http = await open();
    http.bench.store.holdCommits();
    const say = { method: "POST", body: { by: 1 }, headers: { "idempotency-key": "a-key-of-ann" } } as const;
    const call = http.begin("/v1/docs/board/one/add", say);
    const waiting = http.begin("/v1/docs/board/one?at-least=9");
    await http.settle();
    http.documents = undefined;
    const late = await http.ask("/v1/whoami");
    expect(late).toMatchObject({ statusCode: 503, headers: { connection: "close", "retry-after": "1" } });
    expect(jsonOf(late)).toMatchObject({ code: "draining", outcome: "rejected" });
    const drained = http.api.drain();
    const [called, waited] = [await http.answer(call), await http.answer(waiting)];
    await drained;
    expect(jsonOf(called)).toMatchObject({ code: "draining", outcome: "unknown" });
    expect(jsonOf(waited)).toMatchObject({ code: "draining", outcome: "rejected" });
    expect([called.headers.connection, waited.headers.connection]).toEqual(["close", "close"]);
    http.bench.store.decide("commit");
    await http.settle();
    http.bench.restart();
    http.documents = http.bench.documents;
    expect(jsonOf(await http.answer(http.begin("/v1/docs/board/one/add", say)))).toMatchObject({ result: 1, seq: 2 });
  });
});

it("[HTTP-3] every code of the registry has a status that says whose doing it is", () => {
  for (const [code, { fault, retry }] of Object.entries(ERRORS)) {
    const status = Object.entries(ERROR_STATUS).find(([name]) => name === code)?.[1] ?? 0;
    if (fault === "service") expect([code, status >= 500]).toEqual([code, true]);
    if (retry === "after") expect([code, [429, 503, 507].includes(status)]).toEqual([code, true]);
    expect(status).toBeGreaterThanOrEqual(400);
  }
});

it("[HTTP-10] leaves no timer behind", async () => {
  const http = await open();
  const before = http.bench.runtime.timerCount;
  await http.ask("/v1/docs/board/one");
  await http.post("/v1/docs/board/one/add", { by: 1 });
  await http.ask("/v1/docs/board/none");
  await http.ask("/v1/docs/board/one?at-least=2");
  await http.settle();
  expect(http.bench.runtime.timerCount).toBe(before);
});
