// `tidemark call`: one message or query.
import type { Tide } from "@tidemark/client";
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { Command } from "commander";
import { describeCommand } from "./command.js";
import {
  addClientFlags,
  type ClientFlags,
  createFlag,
  type DocumentId,
  documentId,
  milliseconds,
  setting,
  tokenOf,
} from "./flags.js";
import { parseJsonArgument } from "./json-argument.js";
import { Output, pretty } from "./output.js";
import { type AnyDocuments, withTide } from "./tide.js";

interface CallFlags extends ClientFlags {
  readonly create?: unknown;
  readonly deadlineMs: number;
}

/** Describes `call`. */
export function callCommand(): Command {
  const command = describeCommand("call", "Send one message to a document, or ask it one query, and print the result", [
    {
      does: "as anybody, of a `tidemark dev` server",
      type: `tidemark call todo/home add '{"text":"buy milk"}' --as ann`,
    },
    {
      does: "create the document first, if there is none",
      type: `tidemark call todo/home add '{"text":"tea"}' --as ann --create`,
    },
    { does: "for a program", type: "tidemark call counter/a value --as ann --json" },
  ])
    .argument("<type/key>", "the document", documentId)
    .argument("<name>", "name of the message or query")
    .argument("[json]", "its input", (text: string) => parseJsonArgument("the input", text));
  return addClientFlags(command)
    .addOption(
      setting("--deadline-ms <ms>", "how long to wait for the answer", "TIDEMARK_DEADLINE_MS")
        .argParser(milliseconds)
        .default(LIMITS.deadlineMs),
    )
    .addOption(createFlag())
    .action(call);
}

async function call(id: DocumentId, name: string, input: unknown, flags: CallFlags, command: Command): Promise<void> {
  const { url, deadlineMs, create } = flags;
  const output = new Output({ json: flags.json === true });
  await withTide({ url, deadlineMs, token: tokenOf(flags, command) }, async (tide) => {
    if (create !== undefined) await createIfAbsent(tide, id, create);
    const method = tide.call(id.type, id.key)[name];
    if (method === undefined) throw new TidemarkError("unknown_message");
    const sent = method(input);
    const result = await sent;
    // A query has no place in the log.
    const at = await sent.receipt.catch(() => undefined);
    const applied = at === undefined ? "" : `applied as seq ${at.seq}\n`;
    output.result(`${applied}${result === undefined ? "no result" : pretty(result)}`, {
      result,
      epoch: at?.epoch,
      seq: at?.seq,
    });
  });
}

async function createIfAbsent(tide: Tide<AnyDocuments>, { type, key }: DocumentId, input: unknown): Promise<void> {
  try {
    await tide.service.create(type, key, input);
  } catch (error) {
    if (!(error instanceof TidemarkError && error.code === "already_exists")) throw error;
  }
}
