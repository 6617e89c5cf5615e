// Inputs worth keeping, two files for each target: what reached new code, and what was found wrong. A line for each
// input, its frames in base64 with spaces between; lines that start with # are for people.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Input } from "./target.js";

/** Where inputs are kept. */
export interface Shelf {
  readonly corpus: string;
  readonly findings: string;
}

/** This folder. */
export const SHELF: Shelf = {
  corpus: fileURLToPath(new URL("corpus/", import.meta.url)),
  findings: fileURLToPath(new URL("findings/", import.meta.url)),
};

const FRAME = /^[A-Za-z0-9+/]*={0,2}$/;
const fileIn = (folder: string, target: string): string => join(folder, `${target}.txt`);

/** One line; an empty frame is a dash. */
export const formatInput = (input: Input): string =>
  input.map((frame) => Buffer.from(frame).toString("base64") || "-").join(" ");

/** What `formatInput` wrote; undefined for anything else. */
export function parseInput(line: string): Input | undefined {
  if (line === "") return [];
  const frames = line.split(" ").map((frame) => (frame === "-" ? "" : frame));
  if (!frames.every((frame) => FRAME.test(frame) && frame.length % 4 === 0)) return undefined;
  return frames.map((frame) => new Uint8Array(Buffer.from(frame, "base64")));
}

/** What earlier runs kept because it reached new code. */
export const readCorpus = (target: string, { corpus }: Shelf = SHELF): Input[] => read(fileIn(corpus, target));

/** What earlier runs found wrong: the tests run it for ever. */
export const readFindings = (target: string, { findings }: Shelf = SHELF): Input[] => read(fileIn(findings, target));

/** The file of what was found wrong. */
export const findingsFile = (target: string, { findings }: Shelf = SHELF): string => fileIn(findings, target);

/** Replaces what is kept. */
export function writeCorpus(target: string, inputs: readonly Input[], { corpus }: Shelf = SHELF): void {
  mkdirSync(corpus, { recursive: true });
  writeFileSync(fileIn(corpus, target), `${[...new Set(inputs.map(formatInput))].sort().join("\n")}\n`);
}

/** Adds an input that something is wrong with, unless it is there already. Returns the file. */
export function keepFinding(
  { target, line, reason }: { readonly target: string; readonly line: string; readonly reason: string },
  { findings }: Shelf = SHELF,
): string {
  mkdirSync(findings, { recursive: true });
  const file = fileIn(findings, target);
  const known = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  if (!known.includes(line)) appendFileSync(file, `# ${reason.split("\n")[0]}\n${line}\n`);
  return file;
}

function read(file: string): Input[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line, index) => {
      const input = parseInput(line);
      if (input === undefined) throw new Error(`${file}: input ${index + 1} is not frames in base64`);
      return input;
    });
}
