// Inputs worth keeping, one file for each target: a line for each input, its frames in base64 with spaces between.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Input } from "./target.js";

const DIRECTORY = fileURLToPath(new URL("corpus/", import.meta.url));

const fileOf = (target: string): string => join(DIRECTORY, `${target}.txt`);

/** One line. */
export const formatInput = (input: Input): string =>
  input.map((frame) => Buffer.from(frame).toString("base64")).join(" ");

/** What `formatInput` wrote. */
export const parseInput = (line: string): Input =>
  line.split(" ").map((frame) => new Uint8Array(Buffer.from(frame, "base64")));

/** What earlier runs kept. */
export function readCorpus(target: string): Input[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").filter(Boolean).map(parseInput);
}

/** Replaces what is kept. */
export function writeCorpus(target: string, inputs: readonly Input[]): void {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(fileOf(target), `${inputs.map(formatInput).sort().join("\n")}\n`);
}
