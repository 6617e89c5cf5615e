import { describe, expect, it } from "vitest";
import { ClientWindow } from "../../../src/document/client-window.js";

const OVERLOADED = { code: "overloaded", afterMs: 100 } as const;
const at = (n: number, low: number) => ({ n, low, born: 0, conn: 1 });
const HASH = new Uint8Array(16);

describe("refusals that invite a retry", () => {
  it("[REQ-11] hold back every later call, those that were refused behind the first one included", () => {
    const window = new ClientWindow();
    window.know({ low: 0, highest: 3, receipts: [] });
    window.refused(4, OVERLOADED);
    for (const n of [5, 6, 7]) expect(window.passLatch(n)).toBe(OVERLOADED);
    // The client has given 4 up, and still waits for 5 to 7.
    expect(window.admit(at(8, 5), 0, HASH)).toEqual({ verdict: "execute" });
    expect(window.passLatch(8)).toBe(OVERLOADED);
    for (const n of [5, 6, 7, 8]) expect(window.passLatch(n)).toBeUndefined();
  });

  it("[REQ-11] [R14] are forgotten once the client no longer waits for the refused call", () => {
    const window = new ClientWindow();
    window.refused(4, OVERLOADED);
    window.admit(at(5, 5), 0, HASH);
    expect(window.passLatch(5)).toBeUndefined();
    window.refused(3, OVERLOADED);
    expect(window.passLatch(6)).toBeUndefined();
  });

  it("[REQ-11] let an earlier call than the refused one through", () => {
    const window = new ClientWindow();
    window.refused(4, OVERLOADED);
    expect(window.passLatch(3)).toBeUndefined();
    expect(window.passLatch(5)).toBe(OVERLOADED);
  });
});
