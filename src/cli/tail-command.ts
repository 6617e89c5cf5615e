// `tidemark tail`: what happens to a document, one line of JSON each, until interrupted or enough.
import { LIMITS } from "@tidemark/protocol";
import { type Command, Option } from "commander";
import { systemRuntime } from "../runtime/system-runtime.js";
import { describeCommand } from "./command.js";
import {
  addClientFlags,
  type ClientFlags,
  createFlag,
  type DocumentId,
  documentId,
  tokenOf,
  wholeNumber,
} from "./flags.js";
import { ended, type FollowedDocument, followLog, followView, type Line, type TakeLine } from "./following.js";
import { Output } from "./output.js";
import { stopSignal } from "./stop-signal.js";
import { withTide } from "./tide.js";

interface TailFlags extends ClientFlags {
  readonly after?: number;
  readonly events?: true;
  readonly create?: unknown;
  readonly count?: number;
  readonly until?: number;
}

/** Describes `tail`. */
export function tailCommand(): Command {
  const command = describeCommand("tail", "Follow a document: one line of JSON for each change, until interrupted", [
    { does: "from now on; create it if there is none", type: "tidemark tail todo/home --as ann --create" },
    {
      does: "the whole log and what follows, with events (the type's canHistory decides)",
      type: "tidemark tail todo/home --as ann --after 0 --events",
    },
    { does: "the next three changes", type: "tidemark tail todo/home --as ann --count 3" },
  ]).argument("<type/key>", "the document", documentId);
  return addClientFlags(command)
    .addOption(
      new Option("--after <seq>", "begin in the log after this seq; one line for each transaction").argParser(
        wholeNumber(0),
      ),
    )
    .option("--events", "print events too; one line for each transaction")
    .addOption(createFlag())
    .addOption(new Option("--count <n>", "end after so many lines").argParser(wholeNumber(1)))
    .addOption(new Option("--until <seq>", "end when the document has reached this seq").argParser(wholeNumber(1)))
    .action(tail);
}

async function tail(id: DocumentId, flags: TailFlags, command: Command): Promise<void> {
  const output = new Output({ json: flags.json === true });
  // Its own questions wait for a server that is away, as long as that takes.
  const access = { url: flags.url, deadlineMs: LIMITS.requestHorizonMs, token: tokenOf(flags, command) };
  const stopped = stopSignal();
  await withTide(access, async (tide) => {
    const { create } = flags;
    const document = tide.open(id.type, id.key, create === undefined ? {} : { create });
    noticeStatus(document, id, output);
    const take = printer(flags, output);
    const fromLog = flags.after !== undefined || flags.events === true;
    const log = { ...id, after: flags.after, events: flags.events === true, runtime: systemRuntime };
    const following = fromLog ? followLog(tide, document, log, take) : followView(document, take);
    await Promise.race([following, ended(document), stopped]);
  });
}

/** Prints lines and says when it was enough. */
function printer({ count, until }: TailFlags, output: Output): TakeLine {
  let printed = 0;
  return {
    line(line: Line): boolean {
      output.line(line);
      printed += 1;
      return printed === count || line.seq >= (until ?? Number.POSITIVE_INFINITY);
    },
    reached: (seq) => seq >= (until ?? Number.POSITIVE_INFINITY),
  };
}

function noticeStatus(document: FollowedDocument, { type, key }: DocumentId, output: Output): void {
  let told: "nothing" | "live" | "lost" = "nothing";
  document.onStatus((status) => {
    const seq = document.position?.seq;
    const fields = { status, seq };
    if (status === "live") {
      output.note(`${told === "nothing" ? `following ${type}/${key}` : "live again"} at seq ${seq}`, fields);
      told = "live";
    } else if (told === "live" && (status === "stale" || status === "offline")) {
      output.note("the connection is lost; trying again", fields);
      told = "lost";
    }
  });
}
