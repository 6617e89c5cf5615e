// `tidemark list`: the keys of a type, a page at a time.
import type { Command } from "commander";
import { Option } from "commander";
import { describeCommand } from "./command.js";
import { addClientFlags, type ClientFlags, READ_DEADLINE_MS, tokenOf, typeName, wholeNumber } from "./flags.js";
import { Output } from "./output.js";
import { withTide } from "./tide.js";

interface ListFlags extends ClientFlags {
  readonly limit: number;
  readonly after?: string;
}

/** Describes `list`. */
export function listCommand(): Command {
  const command = describeCommand("list", "List the keys of a document type, in order", [
    { does: "the first hundred", type: "tidemark list todo --as ann" },
    { does: "the next page", type: "tidemark list todo --as ann --after home" },
  ]).argument("<type>", "the document type", typeName);
  return addClientFlags(command)
    .addOption(new Option("--limit <n>", "at most so many keys").argParser(wholeNumber(1, 1_000)).default(100))
    .option("--after <key>", "only keys after this one")
    .action(list);
}

async function list(type: string, flags: ListFlags, command: Command): Promise<void> {
  const { url, limit, after } = flags;
  const output = new Output({ json: flags.json === true });
  const access = { url, deadlineMs: READ_DEADLINE_MS, token: tokenOf(flags, command) };
  const { keys, next } = await withTide(access, (tide) =>
    tide.service.list(type, after === undefined ? { limit } : { limit, after }),
  );
  if (keys.length === 0 && flags.json !== true) output.note("no keys", {});
  else output.result(keys.join("\n"), { keys, next });
  if (next !== undefined && flags.json !== true) output.note(`more: --after ${next}`, { next });
}
