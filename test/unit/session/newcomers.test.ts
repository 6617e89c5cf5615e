// Connections that nobody has identified yet: how many there may be, and who goes.
import { CLOSE } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { Newcomers } from "../../../src/session/newcomers.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { hello, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

function arrivals(max: number) {
  const newcomers = new Newcomers(max);
  const gone: string[] = [];
  const arrive = (name: string) => {
    const one = {
      crowdedOut() {
        gone.push(name);
        newcomers.left(one);
      },
    };
    newcomers.arrived(one);
    return one;
  };
  return { newcomers, gone, arrive };
}

describe("newcomers", () => {
  it("[R16] past their number, the one that has been silent longest makes room", () => {
    const { newcomers, gone, arrive } = arrivals(3);
    const [a, b] = [arrive("a"), arrive("b")];
    newcomers.spoke(a);
    arrive("c");
    arrive("d");
    expect(gone).toEqual(["b"]);
    newcomers.left(b);
    arrive("e");
    expect(gone).toEqual(["b", "c"]);
    expect(newcomers.size).toBe(3);
    expect(newcomers.takeCrowdedOut()).toBe(2);
    expect(newcomers.takeCrowdedOut()).toBe(0);
  });

  it("[R16] are full when all of them are being identified", () => {
    const { newcomers, gone, arrive } = arrivals(2);
    const [a, b] = [arrive("a"), arrive("b")];
    expect(newcomers.isFull).toBe(false);
    newcomers.spoke(a);
    newcomers.spoke(b);
    expect(newcomers.isFull).toBe(true);
    newcomers.left(a);
    expect(newcomers.isFull).toBe(false);
    expect(gone).toEqual([]);
  });

  it("[R16] [HELLO-2] are counted from the first byte until they are welcomed, refused or gone", async () => {
    const store = new MemoryStore({ disk: new MemoryDisk(), runtime: new VirtualRuntime() });
    const bench = new SessionBench({ types: {}, store });
    const { newcomers } = bench.registry;
    const silent = bench.connect();
    const known = bench.connect();
    const nobody = bench.connect();
    const dropped = bench.connect();
    expect(newcomers.size).toBe(4);
    known.say(hello("ann"));
    nobody.say(hello(""));
    dropped.drop();
    await bench.settle();
    expect(newcomers.size).toBe(1);
    await bench.runtime.advance(15_000);
    expect(silent.wire.closed?.code).toBe(CLOSE.helloTimeout);
    expect(newcomers.size).toBe(0);
  });
});
