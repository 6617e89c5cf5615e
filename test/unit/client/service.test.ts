import { describe, expect, test } from "vitest";
import { EMPTY, hear, world } from "./world.js";

describe("[REQ-18] the service", () => {
  test("[VIEW-4] says what REQ-18 names, and reads the answers", async () => {
    const { server, tide } = world();
    const created = hear(tide.service.create("board", "b", { title: "t" }));
    const got = hear(tide.service.get("board", "b", { params: { search: "x" }, seq: 4 }));
    const listed = hear(tide.service.list("board", { limit: 2 }));
    const history = hear(tide.service.history("board", "b", { after: 1, limit: 5 }));
    const who = hear(tide.service.whoami());
    const deleted = hear(tide.service.delete("board", "b"));
    await server.settle();
    const asked = server.now.calls.map(([, , target, name, input, { q, low }]) => [target, name, input, q ?? low]);
    expect(asked.toSorted(([, a], [, b]) => (String(a) < String(b) ? -1 : 1))).toEqual([
      ["$", "create", { doc: "board/b", input: { title: "t" } }, 1],
      ["$", "delete", { doc: "board/b" }, 1],
      ["$", "get", { doc: "board/b", params: { search: "x" }, seq: 4 }, 1],
      ["$", "history", { doc: "board/b", after: 1, limit: 5 }, 1],
      ["$", "list", { type: "board", limit: 2 }, 1],
      ["$", "whoami", null, 1],
    ]);
    const answers: Record<string, unknown> = {
      create: undefined,
      delete: undefined,
      get: { state: EMPTY, at: [1, 4] },
      list: { keys: ["a", "b"], next: "b" },
      history: [{ epoch: 1, seq: 2, at: 9, patch: [], events: [] }],
      whoami: { id: "ann", roles: ["r"], claims: {}, expiresAt: 5 },
    };
    for (const [, n, , name] of server.now.calls) {
      const answer = answers[name];
      if (answer === undefined) server.now.ok(n, 1);
      else server.now.send(["ok", n, null, JSON.parse(JSON.stringify(answer))]);
    }
    await server.settle();
    expect([created, got, listed, history, who, deleted].map(({ answer }) => answer)).toEqual([
      { epoch: 1, seq: 1 },
      { state: EMPTY, at: { epoch: 1, seq: 4 } },
      { keys: ["a", "b"], next: "b" },
      [{ epoch: 1, seq: 2, at: 9, patch: [], events: [] }],
      { id: "ann", roles: ["r"], claims: {}, expiresAt: 5 },
      undefined,
    ]);
  });

  test("[REQ-3] create and delete take their place among the messages to the document", async () => {
    const { server, tide, platform } = world();
    platform.random = () => 0;
    hear(tide.service.create("board", "b", { title: "t" }));
    hear(tide.call("board", "b").clear());
    await server.settle();
    server.now.busy(1, 50);
    await platform.advance(60);
    expect(server.now.calls.map(([, n]) => n)).toEqual([1, 2]);
    server.now.busy(2, 50);
    await platform.advance(60);
    expect(server.now.calls.map(([, n]) => n)).toEqual([1, 2, 1, 2]);
  });

  test("an answer without its form is protocol_error", async () => {
    const { server, tide } = world();
    const who = hear(tide.service.whoami());
    await server.settle();
    server.now.send(["ok", 1, null, { id: 7 }]);
    await server.settle();
    expect(who.answer).toMatchObject({ code: "protocol_error" });
  });
});
