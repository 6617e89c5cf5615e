// Event streams, long polls and tickets of a real server, by `fetch` alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyJsonPatch, type Json, LIMITS } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineApp, documentType } from "../../../src/index.js";
import { type Served, serve } from "../../../src/serve.js";
import { EventReader } from "../../support/event-reader.js";

const note = documentType({
  state: z.object({ text: z.string(), guests: z.record(z.string(), z.boolean()), secret: z.string() }),
  hidden: ["secret"],
  events: { said: { data: z.string() } },
  canOpen: ({ id }, { guests }) => guests[id] === true,
  init: (ctx) => ({ text: "", guests: { [ctx.caller.id]: true }, secret: "" }),
  canCreate: ({ id }) => id === "ann",
  canDelete: () => true,
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    append: message(z.string(), (ctx, text) => {
      ctx.state.text += text;
    }),
    hide: message(z.string(), (ctx, text) => {
      ctx.state.secret = text;
    }),
    say: message(z.string(), (ctx, text) => ctx.emit("said", text)),
    invite: message(z.object({ id: z.string(), may: z.boolean() }), (ctx, { id, may }) => {
      ctx.state.guests[id] = may;
    }),
  }),
});

const SHORT_MS = 1_500;
const SECRET = "correct horse battery staple, at least 48 bytes of it";

const app = defineApp({
  documents: { note },
  authenticate: (token) => {
    if (!["ann", "bob", "eve", "brief", "admin"].includes(token)) return null;
    const roles = token === "admin" ? ["service"] : [];
    const grants = [{ doc: "channel/*", may: ["open", "publish"] as const }];
    return { id: token, roles, grants, ...(token === "brief" ? { expiresAt: Date.now() + SHORT_MS } : {}) };
  },
});

let folder: string;
let server: Served;
const readers: EventReader[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-readers-"));
  server = await serve(app, {
    port: 0,
    data: join(folder, "notes.db"),
    pingIntervalMs: 300,
    jwt: { secrets: [SECRET] },
  });
});

afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Saying {
  readonly as?: string;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

const ask = (method: string, path: string, { as = "ann", body, headers = {} }: Saying = {}): Promise<Response> =>
  fetch(new URL(`/v1${path}`, server.url), {
    method,
    headers: {
      ...(as === "" ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function call(name: string, body: Json): Promise<void> {
  expect((await ask("POST", `/docs/note/a/${name}`, { body })).status).toBe(200);
}

async function follow(path = "/docs/note/a/stream", saying: Saying = {}): Promise<EventReader> {
  const response = await ask("GET", path, saying);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const reader = new EventReader(response);
  readers.push(reader);
  return reader;
}

const refused = async (response: Response): Promise<unknown> => {
  const { code, status } = await response.json();
  expect(status).toBe(response.status);
  return [status, code];
};

interface Polled {
  readonly position: string;
  readonly changes: readonly { readonly event: string; readonly [name: string]: unknown }[];
}

const poll = async (query: string, saying: Saying = {}): Promise<Polled> =>
  (await ask("GET", `/docs/note/a?${query}`, saying)).json();

const STATE = { text: "", guests: { ann: true } };

beforeEach(async () => {
  expect((await ask("POST", "/docs/note/a")).status).toBe(201);
});

describe("a stream of events", () => {
  it("[SSE-1] tells the state, then each change as a patch of RFC 6902 with its events", async () => {
    const reader = await follow();
    const { data, id } = await reader.next("snapshot");
    expect(data).toEqual({ epoch: expect.any(Number), seq: 1, state: STATE });
    expect(id).toMatch(/^\d+\.1\./);
    await call("write", "one");
    await call("say", "hello");
    expect((await reader.next("patch")).data).toMatchObject({
      seq: 2,
      patch: [{ op: "replace", path: "/text", value: "one" }],
    });
    expect((await reader.next("patch", 2)).data).toMatchObject({
      seq: 3,
      patch: [],
      events: [{ seq: 3, at: expect.any(Number), name: "said", data: "hello" }],
    });
  });

  it("[SSE-1] nothing that anybody wrote ends a line of it", async () => {
    const reader = await follow();
    const nasty = "\n\nevent: end\ndata: {}\r\rid: 9.9.\u2028\u0085\n\n";
    await call("write", nasty);
    await call("say", nasty);
    expect((await reader.next("patch", 2)).data.events[0].data).toBe(nasty);
    expect(reader.events.map(({ kind }) => kind).filter((kind) => kind !== "ping")).toEqual([
      "snapshot",
      "patch",
      "patch",
    ]);
    expect(reader.text).not.toContain("\r");
  });

  it("[SSE-1] text that grows comes as text that is replaced, from a state that is told first", async () => {
    const reader = await follow();
    await call("append", "a");
    await call("append", "b");
    await call("append", "c");
    await reader.at(4);
    let state: Json = null;
    for (const { kind, data } of reader.events) {
      if (kind === "snapshot") state = data.state;
      if (kind === "patch") state = applyJsonPatch(state, data.patch);
    }
    expect(state).toEqual({ ...STATE, text: "abc" });
  });

  it("[SSE-1] [R13] pings say where it is, also after what changes nothing that is shown", async () => {
    const reader = await follow();
    await call("hide", "x");
    expect(await reader.at(2)).toMatchObject({
      kind: "ping",
      id: expect.stringMatching(/^\d+\.2\./),
      data: { seq: 2 },
    });
  });

  it("[SSE-2] [R3] goes on after the id that it is asked for with, and tells what was missed once", async () => {
    const first = await follow();
    await call("say", "one");
    const { id = "" } = await first.next("patch");
    await first.close();
    await call("say", "two");
    await call("write", "three");
    for (const saying of [{ headers: { "last-event-id": id } }, {}]) {
      const path = saying.headers === undefined ? `/docs/note/a/stream?last=${id}` : undefined;
      const reader = await follow(path, saying);
      await reader.at(4);
      const events = reader.events.flatMap(({ data }) => data.events ?? []);
      expect(reader.events.every(({ kind }) => kind !== "snapshot")).toBe(true);
      expect(events.map(({ data }: { data: string }) => data)).toEqual(["two"]);
    }
  });

  it("[SSE-2] tells the state and the events since, where it cannot go on", async () => {
    const reader = await follow();
    const { data } = await reader.next("snapshot");
    await call("say", "one");
    const again = await follow(undefined, { headers: { "last-event-id": `${data.epoch}.1.other` } });
    expect((await again.next("snapshot")).data).toMatchObject({
      seq: 2,
      state: STATE,
      events: [{ seq: 2, data: "one" }],
    });
    const lost = await follow(undefined, { headers: { "last-event-id": "7.5." } });
    expect((await lost.next("snapshot")).data).toMatchObject({ seq: 2, state: STATE, gap: true });
    const wrong = await ask("GET", "/docs/note/a/stream", { headers: { "last-event-id": "newest" } });
    expect(await refused(wrong)).toEqual([400, "invalid_input"]);
  });

  it("[SSE-2] [CHANNEL-5] [CHANNEL-6] of a channel begins with the newest that pass its filter, and goes on by the id", async () => {
    const publish = (event: string, data: Json) => ask("POST", `/channels/dogs/${event}`, { body: data });
    for (const n of [1, 2, 3, 4, 5]) await publish(n % 2 === 0 ? "even" : "odd", n);
    const query = new URLSearchParams({ params: '{"events":["odd"]}', newest: "2" });
    const reader = await follow(`/docs/channel/dogs/stream?${query}`);
    const { data, id } = await reader.next("snapshot");
    expect(data.events).toMatchObject([{ data: 3 }, { data: 5 }]);
    await publish("even", 6);
    await publish("odd", 7);
    expect((await reader.next("patch")).data.events).toMatchObject([{ name: "odd", data: 7 }]);
    const again = await follow(`/docs/channel/dogs/stream?${query}`, { headers: { "last-event-id": id ?? "" } });
    await again.at(8);
    expect(again.events.flatMap((event) => event.data.events ?? [])).toMatchObject([{ data: 7 }]);
    const polled: Polled = await (await ask("GET", `/docs/channel/dogs?after=&wait=0&${query}`)).json();
    expect(polled.changes).toMatchObject([{ events: [{ data: 5 }, { data: 7 }] }]);
    expect(await refused(await ask("GET", "/docs/channel/dogs/stream?newest=1001"))).toEqual([400, "invalid_input"]);
  });

  it("[SSE-3] [HTTP-9] is refused as a read is: the absent and the forbidden alike", async () => {
    const answers = [
      "/docs/note/a/stream",
      "/docs/note/absent/stream",
      "/docs/note/a?after=",
      "/docs/note/absent?after=",
    ];
    const heard = await Promise.all(answers.map(async (path) => refused(await ask("GET", path, { as: "eve" }))));
    expect(heard).toEqual(answers.map(() => [403, "denied"]));
    expect(await refused(await ask("GET", "/docs/none/a/stream"))).toEqual(
      await refused(await ask("GET", "/docs/none/a")),
    );
    expect(await refused(await ask("GET", "/docs/note/a/stream", { as: "nobody" }))).toEqual([401, "unauthenticated"]);
  });

  it("[SSE-3] [R17] [R18] ends when the right does, and tells nothing that came after", async () => {
    await call("invite", { id: "bob", may: true });
    const reader = await follow(undefined, { as: "bob" });
    await reader.next("snapshot");
    await call("invite", { id: "bob", may: false });
    await call("write", "not for bob");
    await reader.ended;
    expect(reader.last).toEqual({ kind: "end", id: undefined, data: { code: "denied", retry: "never" } });
    expect(reader.text).not.toContain("not for bob");
  });

  it("[SSE-3] [R17] [AUTH-6] ends with the token, and at its revocation", async () => {
    await call("invite", { id: "brief", may: true });
    await call("invite", { id: "bob", may: true });
    const [brief, bob] = [await follow(undefined, { as: "brief" }), await follow(undefined, { as: "bob" })];
    const revoking = await ask("POST", "/revocations", { as: "admin", body: { sub: "bob" } });
    expect(revoking.status).toBe(204);
    await Promise.all([brief.ended, bob.ended]);
    expect(bob.last?.data).toMatchObject({ code: "revoked" });
    expect(brief.last?.data).toMatchObject({ code: "unauthenticated" });
  });

  it("[SSE-3] [CLOSE-4] a server that stops says so, and its document that is deleted", async () => {
    const reader = await follow();
    await ask("POST", "/docs/note/b");
    const other = await follow("/docs/note/b/stream");
    expect((await ask("DELETE", "/docs/note/b")).status).toBe(200);
    await other.ended;
    expect(other.last?.data).toMatchObject({ code: "deleted" });
    await server.close();
    await reader.ended;
    expect(reader.last?.data).toEqual({ code: "draining", retry: "reconnect" });
  });
});

describe("a long poll", () => {
  it("[SSE-4] answers at once with the state, then with what changed after the position, once", async () => {
    const { position, changes } = await poll("after=");
    expect(changes).toEqual([{ event: "snapshot", epoch: expect.any(Number), seq: 1, state: STATE }]);
    const waiting = poll(`after=${position}&wait=20`);
    await call("write", "one");
    const next = await waiting;
    expect(next.changes).toMatchObject([{ event: "patch", seq: 2, patch: [{ op: "replace", path: "/text" }] }]);
    await call("say", "two");
    await call("say", "three");
    const last = await poll(`after=${next.position}&wait=20`);
    expect(last.changes.flatMap(({ events }) => events)).toMatchObject([{ data: "two" }, { data: "three" }]);
    expect(last.position).toMatch(/^\d+\.4\./);
  });

  it("[SSE-4] answers with nothing when its time is over, and where it is then", async () => {
    const { position } = await poll("after=");
    expect(await poll(`after=${position}&wait=0`)).toEqual({ position, changes: [] });
    await call("hide", "x");
    const { position: moved, changes } = await poll(`after=${position}&wait=1`);
    expect([moved, changes]).toEqual([position.replace(".1.", ".2."), []]);
  });

  it("[SSE-4] [R17] whoever loses the right while waiting is told so, and nothing else", async () => {
    await call("invite", { id: "bob", may: true });
    const { position } = await poll("after=", { as: "bob" });
    const waiting = poll(`after=${position}&wait=20`, { as: "bob" });
    await call("invite", { id: "bob", may: false });
    expect((await waiting).changes).toEqual([{ event: "end", code: "denied", retry: "never" }]);
    expect(await refused(await ask("GET", `/docs/note/a?after=${position}`, { as: "bob" }))).toEqual([403, "denied"]);
  });

  it("[SSE-4] refuses what it does not understand", async () => {
    for (const query of ["after=1", "after=&seq=1", "after=&wait=31", "after=&at-least=2", "after=&params=1"])
      expect([query, await refused(await ask("GET", `/docs/note/a?${query}`))]).toEqual([
        query,
        [400, "invalid_input"],
      ]);
  });
});

describe("a ticket", () => {
  const ticketFor = async (doc: string, saying: Saying = {}): Promise<string> => {
    const response = await ask("POST", "/tickets", { body: { doc }, ...saying });
    expect(response.status).toBe(201);
    const { ticket, useBefore } = await response.json();
    expect(useBefore).toBeGreaterThan(0);
    return ticket;
  };
  const show = (ticket: string, path = "/docs/note/a/stream"): Promise<Response> =>
    ask("GET", `${path}?ticket=${ticket}`, { as: "" });

  it("[TICKET-1] lets in once, as whoever asked for it, at the stream of one document", async () => {
    const ticket = await ticketFor("note/a");
    const reader = await follow(`/docs/note/a/stream?ticket=${ticket}`, { as: "" });
    expect((await reader.next("snapshot")).data.state).toEqual(STATE);
    expect(await refused(await show(ticket))).toEqual([401, "unauthenticated"]);
    expect(await refused(await show(await ticketFor("note/a", { as: "eve" })))).toEqual([403, "denied"]);
  });

  it("[TICKET-1] is good for nothing else, and has been shown wherever it is", async () => {
    await ask("POST", "/docs/note/b");
    for (const path of ["/docs/note/b/stream", "/docs/note/a/stream"]) {
      const ticket = await ticketFor("note/a");
      expect(await refused(await show(ticket, "/docs/note/b/stream"))).toEqual([401, "unauthenticated"]);
      expect(await refused(await show(ticket, path))).toEqual([401, "unauthenticated"]);
    }
    const ticket = await ticketFor("note/a");
    for (const path of ["/docs/note/a", "/docs/note/a/history", "/whoami", "/docs/note"])
      expect(await refused(await show(ticket, path))).toEqual([401, "unauthenticated"]);
    expect(await refused(await ask("GET", "/whoami", { as: ticket }))).toEqual([401, "unauthenticated"]);
  });

  it("[TICKET-1] [R17] one of somebody who was revoked since lets nobody in", async () => {
    const ticket = await ticketFor("note/a", { as: "bob" });
    await ask("POST", "/revocations", { as: "admin", body: { sub: "bob" } });
    expect(await refused(await show(ticket))).toEqual([401, "revoked"]);
  });

  it("[TICKET-1] is not made for what is no document", async () => {
    for (const body of [{}, { doc: 1 }, { doc: "note" }, { doc: "note/a", for: 1 }, [], "note/a"])
      expect(await refused(await ask("POST", "/tickets", { body }))).toEqual([400, "invalid_input"]);
    expect(await refused(await ask("POST", "/tickets", { as: "nobody", body: { doc: "note/a" } }))).toEqual([
      401,
      "unauthenticated",
    ]);
    expect(LIMITS.tokenLengthMax).toBeGreaterThan((await ticketFor("note/a")).length);
  });
});
