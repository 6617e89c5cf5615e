// Runs dialogues one after another in each codec, and prints what became of them. It judges nothing: the runners do.
import { CODECS, type Codec } from "@tidemark/protocol";
import { AdapterProcess } from "./client/adapter-process.js";
import { runClientDialogue } from "./client/run.js";
import type { ClientStep, Dialogue, ServerStep } from "./dialogue/dialogue.js";
import type { Need } from "./dialogue/needs.js";
import type { Outcome } from "./dialogue/outcome.js";
import { countsLine, lines, outcomeLine, summary } from "./report.js";
import { type OurServer, startOurServer } from "./server/our-server.js";
import { preflight, typesOf } from "./server/preflight.js";
import { runServerDialogue } from "./server/run.js";

/** How a run is made. */
export interface RunOptions {
  /** The token of a person; `{name}` stands for their name. */
  readonly token: string;
  readonly codec?: string;
  readonly patience: number;
  readonly patient: boolean;
  readonly json: boolean;
}

interface Interruptible extends RunOptions {
  /** No further dialogue begins once it is aborted. */
  readonly signal: AbortSignal;
}

/** All that was chosen was left out: a run that says nothing of anybody. */
export class NothingRan extends Error {
  override readonly name = "NothingRan";
}

/** Drives the server at `url`, or our own. True: all held. Rejects with NoServer when there is none to drive. */
export async function driveServer(
  dialogues: readonly Dialogue<ServerStep>[],
  given: string | undefined,
  options: Interruptible,
): Promise<boolean> {
  const own = given === undefined ? await startOurServer() : undefined;
  try {
    const url = given ?? own?.url ?? "";
    const codec = codecsOf(options)[0];
    if (!options.json) console.log(`driving ${own === undefined ? "" : "our own server at "}${url}`);
    const token = options.token.replaceAll("{name}", "ann");
    if (codec !== undefined) await preflight({ url, codec, token, patienceMs: options.patience }, typesOf(dialogues));
    return await runAll(dialogues, options, (dialogue, each) =>
      runServerDialogue(dialogue, targetOf({ url, codec: each, own }, options)),
    );
  } finally {
    await own?.close();
  }
}

/** Drives the client whose adapter the shell starts with `start`. True: all held. Rejects with AdapterFailure. */
export async function driveClient(
  dialogues: readonly Dialogue<ClientStep>[],
  start: string,
  options: Interruptible,
): Promise<boolean> {
  const { patience: patienceMs } = options;
  const adapter = new AdapterProcess(start, patienceMs);
  const has = options.patient ? PATIENT : [];
  try {
    return await runAll(dialogues, options, (dialogue, codec) =>
      runClientDialogue(dialogue, { adapter, codec, patienceMs, has }),
    );
  } finally {
    await adapter.stop();
  }
}

const PATIENT = ["patience", "minute"] as const;

function targetOf(
  { url, codec, own }: { readonly url: string; readonly codec: Codec; readonly own: OurServer | undefined },
  { token, patience: patienceMs, patient }: RunOptions,
): Parameters<typeof runServerDialogue>[1] {
  const has: Need[] = [];
  if (token.includes("{name}")) has.push("people");
  if (patient) has.push(...PATIENT);
  if (own === undefined) return { url, codec, token, patienceMs, has };
  return { url: own.url, codec, token, patienceMs, has: [...has, "restart"], control: own };
}

const codecsOf = ({ codec }: RunOptions): readonly Codec[] =>
  CODECS.filter(({ name }) => codec === undefined || name === codec);

async function runAll<Step>(
  dialogues: readonly Dialogue<Step>[],
  options: Interruptible,
  run: (dialogue: Dialogue<Step>, codec: Codec) => Promise<Outcome>,
): Promise<boolean> {
  const tally = { held: 0, skipped: 0, failed: 0 };
  for (const dialogue of dialogues) {
    for (const codec of codecsOf(options)) {
      if (options.signal.aborted) break;
      const outcome = await run(dialogue, codec);
      tally[outcome.kind] += 1;
      const one = { ...dialogue, codec: codec.name };
      console.log(options.json ? outcomeLine(one, outcome) : lines(one, outcome));
    }
  }
  console.log(options.json ? countsLine(tally) : summary(tally));
  if (tally.held + tally.failed === 0 && !options.signal.aborted) {
    throw new NothingRan("everything that was chosen was left out, for the reasons above");
  }
  return tally.failed === 0;
}
