// Looks before a run whether an address can be driven at all: somebody speaks the protocol there, takes the token, and
// serves the document types that the dialogues are about. What is wrong is said once, not by every dialogue.
import type { Codec, Json } from "@tidemark/protocol";
import { randomHex } from "../../../src/runtime/ids.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import type { Dialogue, ServerStep } from "../dialogue/dialogue.js";
import { Failure } from "../dialogue/failure.js";
import { isObject } from "../dialogue/names.js";
import { shown } from "../dialogue/pattern.js";
import { NoServer, ServerConnection } from "./connection.js";
import { KnownStates } from "./known-states.js";

/** Where, and as whom. */
export interface PreflightTarget {
  readonly url: string;
  readonly codec: Codec;
  /** The token of one person. */
  readonly token: string;
  readonly patienceMs: number;
}

/** What protocol/dialogues/README.md describes. */
const TYPES = ["counter", "list", "text", "safe", "board"] as const;

/** The document types that dialogues speak of. */
export function typesOf(dialogues: readonly Dialogue<ServerStep>[]): string[] {
  const text = JSON.stringify(dialogues.map(({ steps }) => steps));
  return TYPES.filter((type) => text.includes(`"${type}/`));
}

/** Resolves when a run makes sense. Rejects with NoServer, which says what is wrong and what to do. */
export async function preflight(target: PreflightTarget, types: readonly string[]): Promise<void> {
  const { url, codec, patienceMs, token } = target;
  const connection = await ServerConnection.open({ url, codec, patienceMs, known: new KnownStates() });
  try {
    const hello = { v: 1, token, client: randomHex(systemRuntime, 16), conn: 1, sdk: "conformance/1", caps: [] };
    connection.say([["hello", hello]]);
    await welcomed(connection, target);
    const missing = await unserved(connection, types);
    if (missing.length > 0) throw new NoServer(`the server at ${url} does not serve ${missing.join(", ")}${WHAT}`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A breach of a rule is for the dialogues to find.
    if (error.rule !== undefined) return;
    throw new NoServer(`the server at ${url} does not speak Tidemark's version 1: ${error.message}`);
  } finally {
    connection.cut();
  }
}

const WHAT =
  ":\nprotocol/dialogues/README.md, under The application, says which document types a server under test serves";

async function welcomed(connection: ServerConnection, { url, token }: PreflightTarget): Promise<void> {
  const heard = await connection.hear("welcome");
  const [type, about] = Array.isArray(heard) ? heard : [];
  if (type === "welcome") return;
  const isToken = isObject(about) && about["code"] === "unauthenticated";
  if (!isToken) throw new NoServer(`the server at ${url} does not welcome: ${shown(heard)}`);
  throw new NoServer(`the server at ${url} does not take the token "${token}": say with --token how people sign in`);
}

async function unserved(connection: ServerConnection, types: readonly string[]): Promise<string[]> {
  const key = randomHex(systemRuntime, 6);
  const missing: string[] = [];
  for (const [index, type] of types.entries()) {
    connection.say([["open", { s: index + 1, doc: `${type}/preflight-${key}`, create: true }]]);
    const [kind, about]: readonly Json[] = asList(await connection.hear(`an answer to open ${type}/preflight-${key}`));
    if (kind !== "opened") missing.push(`${type} (${reasonOf(kind, about)})`);
  }
  return missing;
}

function reasonOf(kind: Json | undefined, about: Json | undefined): string {
  const code = isObject(about) ? about["code"] : undefined;
  return typeof code === "string" ? code : shown(kind);
}

const asList = (heard: Json): readonly Json[] => (Array.isArray(heard) ? heard : []);
