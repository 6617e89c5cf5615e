// The form of a dialogue file, and how the files are read. What a step means is said in protocol/dialogues/README.md and
// done by the runners.
import { readdirSync, readFileSync } from "node:fs";
import type { Json } from "@tidemark/protocol";
import { z } from "zod";
import { DialogueError } from "./names.js";
import { NEEDS, type Need } from "./needs.js";

/** Anything JSON.parse gives. */
const json = z.custom<Json>((value) => value !== undefined);
const message = z.custom<readonly Json[]>((value) => Array.isArray(value) && value.length > 0);
const on = z.string().min(1);
/** A frame as it is, for each codec: text, or bytes in hex. */
const frame = z.strictObject({ json: z.string(), msgpack: z.string().regex(/^([0-9a-f]{2})*$/) });

/** What both sides of a conversation can do. */
const shared = [
  z.strictObject({ on, say: message }),
  z.strictObject({ on, sayAll: z.array(message).min(1) }),
  z.strictObject({ on, sayFrame: frame }),
  z.strictObject({ on, hear: message }),
  z.strictObject({ on, hearAll: z.array(message).min(1) }),
  z.strictObject({ on, cut: z.literal(true) }),
  z.strictObject({ on, mute: z.literal(true) }),
  z.strictObject({ on, fence: z.literal(true) }),
] as const;

const shows = z.strictObject({
  s: z.number().int(),
  seq: json,
  state: json.optional(),
  position: json.optional(),
  positions: json.optional(),
  events: z.array(json).optional(),
});

const serverStep = z.union([
  ...shared,
  z.strictObject({ on, connect: z.literal(true) }),
  z.strictObject({ on, join: z.string(), client: z.string().optional(), conn: z.number().int().optional() }),
  z.strictObject({ on, shows }),
  z.strictObject({ on, closed: z.number().int() }),
  z.strictObject({ on, neverHears: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ on, always: z.strictObject({ s: z.number().int(), equal: z.array(z.string()).min(2) }) }),
  z.strictObject({ server: z.enum(["stop", "start"]) }),
]);

const clientStep = z.union([
  ...shared,
  z.strictObject({ accept: on, notBeforeMs: z.number().optional() }),
  z.strictObject({ refuse: z.number().int().min(1) }),
  z.strictObject({ on, greet: json }),
  z.strictObject({ on, close: z.number().int() }),
  z.strictObject({ on, gone: z.literal(true) }),
  z.strictObject({ on, beat: z.array(json), until: message }),
  z.strictObject({ do: z.custom<{ readonly [name: string]: Json }>((value) => typeof value === "object") }),
  z.strictObject({ observe: json }),
  z.strictObject({ observeInOrder: z.array(json).min(2) }),
]);

/** One step against a server. */
export type ServerStep = z.infer<typeof serverStep>;
/** One step against a client. */
export type ClientStep = z.infer<typeof clientStep>;

const head = {
  name: z.string().min(1),
  about: z.string().min(1),
  rules: z.array(z.string().regex(/^[A-Z]+-\d+$/)).min(1),
};
const dialogue = z.strictObject({
  ...head,
  needs: z.array(z.enum(NEEDS)).optional(),
  steps: z.array(json).min(1),
});

/** Who is driven. */
type Side = "server" | "client";

/** A dialogue, whichever side it drives. */
export interface Dialogue<Step> {
  /** Of its file, without `.json`. */
  readonly file: string;
  readonly name: string;
  readonly about: string;
  readonly rules: readonly string[];
  readonly needs: readonly Need[];
  readonly steps: readonly Step[];
}

/** All dialogues that drive a server, by name. Throws DialogueError for a file that is none. */
export function serverDialogues(): Dialogue<ServerStep>[] {
  return dialogues("server", serverStep);
}

/** All dialogues that drive a client, by name. Throws DialogueError for a file that is none. */
export function clientDialogues(): Dialogue<ClientStep>[] {
  return dialogues("client", clientStep);
}

function dialogues<Step>(side: Side, schema: z.ZodType<Step>): Dialogue<Step>[] {
  return files(side).map(({ name, content }) => {
    const { steps, needs = [], ...rest } = parsed(dialogue, content, name);
    const file = name.replace(/\.json$/, "");
    return { ...rest, file, needs, steps: steps.map((step, index) => parsed(schema, step, stepName(name, index))) };
  });
}

const stepName = (file: string, index: number): string => `${file}, step ${index + 1}`;

function files(side: Side): { readonly name: string; readonly content: unknown }[] {
  const folder = new URL(`../../../protocol/dialogues/${side}/`, import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  if (names.length === 0) throw new DialogueError(`there are no dialogues in ${folder.pathname}`);
  return names.sort().map((name) => ({ name, content: JSON.parse(readFileSync(new URL(name, folder), "utf8")) }));
}

function parsed<Value>(schema: z.ZodType<Value>, value: unknown, where: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new DialogueError(`${where} has not the form of one: ${JSON.stringify(value)?.slice(0, 300)}`);
}
