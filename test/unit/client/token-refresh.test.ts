import { describe, expect, test } from "vitest";
import { HANDLE, SERVER_NOW } from "../../support/fake-server.js";
import { beat, EMPTY, type World, world } from "./world.js";

const LIFE_MS = 100_000;

/** A client whose token lives 100 s, and whose server answers `whoami` with what `expiry` says. */
async function welcomed(token: () => Promise<string>, expiry: (asked: number) => number): Promise<World> {
  const made = world({ token });
  const { server, tide } = made;
  let asked = 0;
  server.onMessage = (connection, message) => {
    if (message[0] !== "c" || message[3] !== "whoami") return;
    const answer = { id: "ann", roles: [], claims: {}, expiresAt: SERVER_NOW + expiry(++asked) };
    queueMicrotask(() => connection.send(["ok", message[1], null, answer]));
  };
  server.welcoming = false;
  tide.open("board", "b");
  await server.settle();
  server.now.welcome({ exp: SERVER_NOW + LIFE_MS });
  await server.settle();
  server.now.reset(EMPTY);
  return made;
}

const numbered = (): (() => Promise<string>) => {
  let asked = 0;
  return async () => `token-${++asked}`;
};

const tokens = ({ server }: World): unknown[] => server.now.all("auth").map(([, { token }]) => token);

describe("refreshing tokens", () => {
  test("[HELLO-6] the next refresh is due when the server says, not when the last token would have ended", async () => {
    const made = await welcomed(numbered(), () => 400_000);
    await beat(made, 70_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2"]);
    await beat(made, 299_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2"]);
    await beat(made, 2_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2", "token-3"]);
  });

  test("[HELLO-6] a server that takes its time to look at a token is asked again", async () => {
    const made = await welcomed(numbered(), (asked) => (asked < 4 ? LIFE_MS : 200_000));
    await beat(made, 100_000, [HANDLE, 1, 1]);
    expect(made.server.now.calls.length).toBe(4);
    await beat(made, 60_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2"]);
    await beat(made, 11_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2", "token-3"]);
  });

  test("a server that never says is thought to give lives as long as the first", async () => {
    const made = await welcomed(numbered(), () => 0);
    await beat(made, 400_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-2", "token-3", "token-4", "token-5"]);
  });

  test("an application without a token at that moment is asked again before the old one ends", async () => {
    let asked = 0;
    const made = await welcomed(
      async () => {
        if (++asked === 2 || asked === 3) throw new Error("no network");
        return `token-${asked}`;
      },
      () => 400_000,
    );
    await beat(made, 99_000, [HANDLE, 1, 1]);
    expect(tokens(made)).toEqual(["token-4"]);
  });

  test("a connection that ends takes its refresh with it", async () => {
    const made = await welcomed(numbered(), () => 400_000);
    made.tide.close();
    await made.platform.advance(200_000);
    expect(tokens(made)).toEqual([]);
    expect(made.platform.pending).toBe(0);
  });
});
