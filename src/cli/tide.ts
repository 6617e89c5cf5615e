// The command line as a client: connects, and tells a server that is not there from one that is slow to answer.
import { connect, type Tide } from "@tidemark/client";
import type { App, Contract } from "@tidemark/protocol";
import { CommandError } from "./exit.js";

/** An application of which nothing is known but that it has document types. */
export type AnyDocuments = App<{ readonly [type: string]: Contract }>;

/** Where to, as whom, and how long to wait for an answer. */
export interface Access {
  readonly url: string;
  readonly token: string;
  readonly deadlineMs: number;
}

/**
 * Runs `use` with a connection and closes it. Throws CommandError when nobody answers at the address at first; once
 * connected, the client goes on trying by itself.
 */
export async function withTide<Result>(
  access: Access,
  use: (tide: Tide<AnyDocuments>) => Promise<Result>,
): Promise<Result> {
  const tide = connect<AnyDocuments>(access);
  try {
    return await Promise.race([use(tide), unreachable(tide, access.url)]);
  } finally {
    tide.close();
  }
}

/** Rejects when the first attempt to connect finds no server; else it never settles. */
function unreachable(tide: Tide<AnyDocuments>, url: string): Promise<never> {
  return new Promise((_, reject) => {
    const stop = tide.onStatus((status) => {
      if (status === "connecting") return;
      stop();
      // A server that refuses the token looks the same for a moment: ask it whether it is there.
      if (status === "offline") checkHealth(url).catch(reject);
    });
  });
}

async function checkHealth(url: string): Promise<void> {
  const health = new URL("/healthz", url);
  if (health.protocol === "wss:") health.protocol = "https:";
  if (health.protocol === "ws:") health.protocol = "http:";
  const answer = await fetch(health).catch((error: unknown) => {
    throw new CommandError(`no server answers at ${url}${reasonOf(error)}`, START_HINT, { cause: error });
  });
  if ((await answer.text()).trim() === "ok") return;
  throw new CommandError(`what answers at ${url} is no Tidemark server`, "Give the address of one with --url.");
}

const START_HINT = "Start one (`tidemark dev app.ts`), or give the address of another with --url.";

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
}
