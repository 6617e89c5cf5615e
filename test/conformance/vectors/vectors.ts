// Reads the language-neutral vectors. Every file must have cases: a runner that finds none proves nothing.
import { readFileSync } from "node:fs";

/** The cases of one file of protocol/vectors. */
export function vectors<Case extends { readonly name?: string }>(file: string): readonly Case[] {
  const url = new URL(`../../../protocol/vectors/${file}.json`, import.meta.url);
  const { cases }: { readonly cases: readonly Case[] } = JSON.parse(readFileSync(url, "utf8"));
  if (cases.length === 0) throw new Error(`${file}.json has no cases`);
  return cases;
}

/** Bytes of lower-case hex. */
export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Lower-case hex of bytes. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
