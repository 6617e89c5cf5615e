// How a command ends: its exit codes, and an end that loses nothing it has printed.
import type { Writable } from "node:stream";

/** Exit codes, the same for all commands. */
export const EXIT = Object.freeze({
  done: 0,
  failed: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** The server said no: certainly not applied. */
  refused: 3,
  /** A message may have been applied or not. */
  unknown: 4,
});

/** The command line is wrong in a way its parser cannot see. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Something outside the command is not as it must be; neither the server's refusal nor an operator's error. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Ends the process after what was printed has left it, whatever still runs. */
export async function finish(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map(drained));
  process.exit(code);
}

/** A reader that goes away (`| head`) is no failure. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed),
  );
}

function drained(stream: Writable): Promise<void> {
  // A broken pipe calls back too, with an error that nobody is left to read.
  return new Promise((resolve) => void stream.write("", () => resolve()));
}
