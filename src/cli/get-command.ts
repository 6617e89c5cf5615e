// `tidemark get`: a document's view from the server, or its whole state from the file.
import { type Command, Option } from "commander";
import { describeCommand } from "./command.js";
import { CommandError, UsageError } from "./exit.js";
import {
  addClientFlags,
  type ClientFlags,
  type DocumentId,
  dataFlag,
  documentId,
  READ_DEADLINE_MS,
  tokenOf,
  wholeNumber,
} from "./flags.js";
import { Output, pretty } from "./output.js";
import { withTide } from "./tide.js";

interface GetFlags extends ClientFlags {
  readonly seq?: number;
  readonly raw?: true;
  readonly data: string;
}

interface Found {
  readonly state: unknown;
  readonly at: { readonly epoch: number; readonly seq: number };
}

/** Describes `get`. */
export function getCommand(): Command {
  const command = describeCommand("get", "Print a document as its viewers see it, or whole with --raw", [
    { does: "the newest state", type: "tidemark get todo/home --as ann" },
    { does: "an older one (the type's canHistory decides)", type: "tidemark get todo/home --as ann --seq 3" },
    { does: "everything that is stored, without a server", type: "tidemark get todo/home --raw --data ./tidemark.db" },
  ]).argument("<type/key>", "the document", documentId);
  return addClientFlags(command)
    .addOption(new Option("--seq <seq>", "the state at this seq instead of the newest").argParser(wholeNumber(1)))
    .option("--raw", "read the whole state from the database file, hidden parts too; a server may be running")
    .addOption(dataFlag())
    .action(get);
}

async function get(id: DocumentId, flags: GetFlags, command: Command): Promise<void> {
  const found = flags.raw === true ? await getRaw(id, flags) : await getView(id, flags, command);
  const { epoch, seq } = found.at;
  const output = new Output({ json: flags.json === true });
  output.result(`${id.type}/${id.key} at seq ${seq}\n${pretty(found.state)}`, { epoch, seq, state: found.state });
}

async function getView({ type, key }: DocumentId, flags: GetFlags, command: Command): Promise<Found> {
  const { url, seq } = flags;
  const access = { url, deadlineMs: READ_DEADLINE_MS, token: tokenOf(flags, command) };
  return withTide(access, (tide) => tide.service.get(type, key, seq === undefined ? {} : { seq }));
}

async function getRaw({ type, key }: DocumentId, { data, seq }: GetFlags): Promise<Found> {
  if (seq !== undefined) throw new UsageError("--raw reads the newest state", "Leave out --seq, or --raw.");
  const { readState } = await import("../storage/sqlite/read-state.js");
  const stored = readState(data, { space: "", type, key });
  if (stored.status === "live") return stored;
  const id = `${type}/${key}`;
  if (stored.status === "quarantined") {
    throw new CommandError(
      `${id} in ${data} is damaged: ${stored.reason}`,
      "Keep a copy of the file; the other documents are not affected.",
    );
  }
  throw new CommandError(
    `${data} holds no ${id}${stored.status === "deleted" ? ": it was deleted" : ""}`,
    "Look at type and key, and at --data.",
  );
}
