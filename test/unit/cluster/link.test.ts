import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameSplitter } from "../../../src/cluster/frame-splitter.js";
import { Link, type LinkEnd, type LinkWire } from "../../../src/cluster/link.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

/** Bytes that stay until somebody carries them over. */
class Tray implements LinkWire {
  written: Uint8Array[] = [];
  unsentBytes = 0;
  isDestroyed = false;
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  write(bytes: Uint8Array): void {
    this.written.push(bytes);
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

interface End {
  readonly link: Link;
  readonly tray: Tray;
  readonly heard: unknown[];
  readonly ends: LinkEnd[];
  readonly bugs: unknown[];
}

interface EndOptions {
  readonly hear?: (message: unknown) => void;
  readonly holdsBack?: boolean;
}

function endOn(runtime: VirtualRuntime, { hear = () => undefined, holdsBack = false }: EndOptions = {}): End {
  const tray = new Tray();
  const heard: unknown[] = [];
  const ends: LinkEnd[] = [];
  const bugs: unknown[] = [];
  const link = new Link({
    runtime,
    wire: tray,
    holdsBack,
    heard(message) {
      hear(message);
      heard.push(message);
    },
    over: (why) => ends.push(why),
    onBug: (error) => bugs.push(error),
  });
  return { link, tray, heard, ends, bugs };
}

const carry = (from: End, to: End): void => {
  for (const bytes of from.tray.written.splice(0)) to.link.receive(bytes);
};

describe("a link between processes", () => {
  it("carries what one turn says in one write, and in order", async () => {
    const runtime = new VirtualRuntime();
    const [one, other] = [endOn(runtime), endOn(runtime)];
    one.link.send('["a",1]');
    one.link.send('["b",{"text":"ü"}]');
    await runtime.settle();
    expect(one.tray.written).toHaveLength(1);
    one.link.send('["c"]');
    await runtime.settle();
    carry(one, other);
    expect(other.heard).toEqual([["a", 1], ["b", { text: "ü" }], ["c"]]);
  });

  it("[R13] is over when nothing is heard for ten beats, and not before", async () => {
    const runtime = new VirtualRuntime();
    const end = endOn(runtime);
    await runtime.advance(9_900);
    expect(end.ends).toEqual([]);
    await runtime.advance(1_200);
    expect(end.ends).toEqual(["silent"]);
    expect(end.tray.isDestroyed).toBe(true);
  });

  it("[R13] goes on while the other side only beats", async () => {
    const runtime = new VirtualRuntime();
    const [one, other] = [endOn(runtime), endOn(runtime)];
    for (let second = 0; second < 60; second++) {
      await runtime.advance(1_000);
      carry(one, other);
      carry(other, one);
    }
    expect([one.ends, other.ends, other.heard]).toEqual([[], [], []]);
  });

  it("[R14] is over when the other side takes too little", async () => {
    const runtime = new VirtualRuntime();
    const end = endOn(runtime);
    end.tray.unsentBytes = 257 * 1024 * 1024;
    end.link.send('["a"]');
    await runtime.settle();
    expect(end.ends).toEqual(["behind"]);
  });

  it("[R14] hears nothing more while much of what it said has not left, and nobody takes that for silence", async () => {
    const runtime = new VirtualRuntime();
    const [one, other] = [endOn(runtime, { holdsBack: true }), endOn(runtime)];
    for (const end of [one, other]) {
      end.tray.unsentBytes = 9 * 1024 * 1024;
      end.link.send('["much"]');
    }
    await runtime.settle();
    expect([one.tray.isPaused, other.tray.isPaused]).toEqual([true, false]);
    for (let second = 0; second < 30; second++) {
      one.tray.unsentBytes -= 1_000;
      await runtime.advance(1_000);
    }
    expect(one.ends).toEqual([]);
    one.tray.unsentBytes = 0;
    one.link.wireDrained();
    expect(one.tray.isPaused).toBe(false);
    await runtime.advance(11_000);
    expect(one.ends).toEqual(["silent"]);
  });

  it("[R13] is over when what it holds back for does not leave", async () => {
    const runtime = new VirtualRuntime();
    const end = endOn(runtime, { holdsBack: true });
    end.tray.unsentBytes = 9 * 1024 * 1024;
    end.link.send('["much"]');
    await runtime.advance(12_000);
    expect(end.ends).toEqual(["silent"]);
  });

  it("is over after a message that cannot be taken, and says why", () => {
    const runtime = new VirtualRuntime();
    const bug = new Error("no such document");
    const hear = (): never => {
      throw bug;
    };
    const end = endOn(runtime, { hear });
    const text = Buffer.from('[["a"],["b"]]');
    end.link.receive(Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text]));
    expect(end).toMatchObject({ ends: ["garbled"], bugs: [bug], heard: [] });
  });

  it("says what waits before it closes, and hears nothing after", async () => {
    const runtime = new VirtualRuntime();
    const [one, other] = [endOn(runtime), endOn(runtime)];
    one.link.send('["last"]');
    one.link.close();
    carry(one, other);
    expect(other.heard).toEqual([["last"]]);
    other.link.send('["late"]');
    await runtime.settle();
    carry(other, one);
    expect(one.heard).toEqual([]);
    expect(one.ends).toEqual(["closed"]);
  });
});

describe("frames in a stream of bytes", () => {
  it("are found wherever the stream is cut", () => {
    const cuts = fc.array(fc.nat(40), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 12 }), cuts, (texts, sizes) => {
        const stream = Buffer.concat(
          texts.flatMap((text) => {
            const header = Buffer.alloc(4);
            header.writeUInt32LE(Buffer.byteLength(text));
            return [header, Buffer.from(text)];
          }),
        );
        const found: string[] = [];
        const splitter = new FrameSplitter((text) => found.push(text));
        let at = 0;
        for (const size of [...sizes, stream.length]) {
          const chunk = Buffer.from(stream.subarray(at, at + size));
          splitter.take(chunk);
          // The bytes belong to whoever gave them.
          chunk.fill(0xff);
          at += size;
        }
        expect(found).toEqual(texts.map((text) => Buffer.from(text).toString()));
      }),
    );
  });
});
