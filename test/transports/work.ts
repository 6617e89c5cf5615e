// What a writer does while every way in is watched: drawn from a seed, the same for all.
import type { Json } from "@tidemark/protocol";

/** One step. */
export type Deed =
  | { readonly kind: "call"; readonly doc: "page/x" | "book/x"; readonly name: string; readonly input: Json }
  /** A reader loses its connection. */
  | { readonly kind: "cut"; readonly reader: number }
  | { readonly kind: "restart" };

const CALLS = 160;
const CUT_SHARE = 0.15;
const KEYS = ["a", "b", "c"];

/** Numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The steps of a seed. The last of each document is one that everybody sees. */
export function deeds(seed: number, readers: number): readonly Deed[] {
  const random = randomOf(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const text = (): string => ["wörd ", "\r\n", "e\u0301", "\u{1f30a}", "data: x\n\n"][below(5)] ?? "";
  const restartAt = below(CALLS);
  const steps: Deed[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    if (n === restartAt) steps.push({ kind: "restart" });
    if (random() < CUT_SHARE) steps.push({ kind: "cut", reader: below(readers) });
    const doc = random() < 0.5 ? "page/x" : "book/x";
    const key = KEYS[below(KEYS.length)] ?? "a";
    const choice = below(doc === "book/x" ? 7 : 6);
    const secret = { key: `g${1 + below(2)}`, word: text(), times: 1 + below(50) };
    const [name, input]: readonly [string, Json] = (
      [
        ["set", { key, text: `${n} ${text()}` }],
        ["append", { key, text: text() }],
        ["append", { key, text: `${text()}${n}` }],
        ["drop", key],
        ["say", `${n} ${text()}`],
        ["fill", { key, word: "long ", times: 1 + below(40) }],
        ["hide", secret],
      ] as const
    )[choice] ?? ["touch", null];
    steps.push({ kind: "call", doc, name, input });
  }
  for (const doc of ["page/x", "book/x"] as const)
    steps.push({ kind: "call", doc, name: "set", input: { key: "last", text: String(seed) } });
  return steps;
}
