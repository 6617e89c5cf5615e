// What an application may say of its channels, and what it is told when that cannot work.
import { describe, expect, it } from "vitest";
import { resolveApp } from "../../../src/document/definition/define-app.js";
import { defineApp } from "../../../src/index.js";

const historyOf = (channels: Parameters<typeof defineApp>[0]["channels"], name: string) =>
  resolveApp(defineApp({ documents: {}, ...(channels === undefined ? {} : { channels }) }))
    .types.get("channel")
    ?.channel?.named(name).history;

describe("[CHANNEL-3] channels of an application", () => {
  it("keep what the first pattern that matches says, and the defaults where it says nothing", () => {
    const channels = {
      "chat-dogs": { history: "forever" },
      "chat-*": { history: { deltas: 5 } },
      "chat-cats": { history: { days: 1 } },
    } as const;
    expect(historyOf(channels, "chat-dogs")).toBe("forever");
    expect(historyOf(channels, "chat-cats")).toEqual({ deltas: 5, days: 7 });
    expect(historyOf(channels, "news")).toEqual({ deltas: 1_000, days: 7 });
    expect(historyOf(undefined, "news")).toEqual({ deltas: 1_000, days: 7 });
  });

  it.each([
    ["a list", [], "`channels` must be an object"],
    ["a pattern with a star in the middle", { "a*b": {} }, "`channels.a*b` must be the name of a channel"],
    ["no pattern", { "": {} }, "`channels.` must be the name"],
    ["no rules", { "a*": true }, "`channels.a*` must be an object"],
    ["an unknown rule", { a: { durability: 1 } }, "`channels.a.durability` is not a rule"],
    ["an unknown bound", { a: { history: { messages: 5 } } }, "`channels.a.history.messages` is not a bound"],
    ["nothing kept", { a: { history: { deltas: 0 } } }, "`channels.a.history.deltas` must be a whole number"],
    ["no time", { a: { history: { days: 0 } } }, "`channels.a.history.days` must be"],
    ["presence of another kind", { a: { presence: "yes" } }, "`channels.a.presence` must be true or false"],
    ["durability of another kind", { a: { durable: 1 } }, "`channels.a.durable` must be true or false"],
    ["what does not work", { a: { durable: false } }, "`channels.a.durable` cannot be false in this version"],
  ])("refuse %s, by name", (_what, channels, message) => {
    expect(() => defineApp({ documents: {}, channels: channels as never })).toThrow(message);
  });

  it("own their name", () => {
    expect(() => defineApp({ documents: { channel: {} as never } })).toThrow("`documents.channel` is the name of");
  });
});
