// Says in a few lines what an application has, with one call that works as typed. It invents inputs by asking the
// schemas what is missing; where that leads nowhere, the example has dots.
import type { CompiledInput } from "../document/definition/compiled-input.js";
import type { ResolvedApp } from "../document/definition/define-app.js";
import type { ResolvedType } from "../document/definition/resolved-type.js";
import type { AppSummary } from "./dev-words.js";

const ROUNDS = 20;
const EXAMPLE_PUBLICATION = `publish lobby say '{"text":"hello"}' --as me`;

/** Summarises an application. */
export function summarise(app: ResolvedApp): AppSummary {
  const own = [...app.types].filter(([, { channel }]) => channel === undefined);
  const types = own.map(([name, type]) => describeType(name, type));
  if (own.length === 0) return { types, example: EXAMPLE_PUBLICATION };
  const [first] = own.filter(([, type]) => type.messages.size > 0);
  return { types, example: first === undefined ? undefined : exampleCall(...first) };
}

function describeType(name: string, { messages, queries }: ResolvedType): string {
  const names = [...messages.keys()].join(", ") || "no messages";
  return queries.size === 0 ? `${name}: ${names}` : `${name}: ${names}; queries: ${[...queries.keys()].join(", ")}`;
}

function exampleCall(name: string, type: ResolvedType): string {
  const [message = ["", { input: undefined }]] = type.messages;
  const input = message[1].input === undefined ? "" : ` ${exampleInput(message[1].input)}`;
  const create = type.create === undefined ? "" : ` ${exampleInput(type.create)}`;
  return `call ${name}/first ${message[0]}${input} --as me --create${create}`;
}

/** JSON that the schema takes, in single quotes. */
function exampleInput(schema: CompiledInput): string {
  let value: unknown = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    const parsed = tryParse(schema, value);
    if (parsed === undefined) break;
    if (parsed.ok) return `'${JSON.stringify(value)}'`;
    const [issue] = parsed.issues;
    if (issue === undefined || issue.path.includes("~")) break;
    value = filled(value, issue.path.split("/").slice(1), wanted(issue.expected));
  }
  return "'{...}'";
}

function tryParse(schema: CompiledInput, value: unknown): ReturnType<CompiledInput["parse"]> | undefined {
  try {
    return schema.parse(value);
  } catch {
    // An application's own refinement threw: it is asked nothing more.
    return undefined;
  }
}

/** A value for what was expected: the first word of it, or the first of several literals. */
function wanted(expected: string): unknown {
  const [literal] = /^"[^"]*"/.exec(expected) ?? [];
  if (literal !== undefined) return JSON.parse(literal);
  if (expected.startsWith("string")) return "text";
  if (expected.startsWith("boolean")) return true;
  if (expected.startsWith("array")) return [];
  if (/^(object|record)/.test(expected)) return {};
  return 1;
}

function filled(value: unknown, [name, ...rest]: readonly string[], leaf: unknown): unknown {
  if (name === undefined) return leaf;
  if (Array.isArray(value)) return [...value, leaf];
  const held: unknown = typeof value === "object" && value !== null ? value : {};
  const inner = Object.entries(held ?? {}).find(([key]) => key === name)?.[1];
  return { ...(held ?? {}), [name]: filled(inner, rest, leaf) };
}
