// How one run of a dialogue ended, for the report: the step, the rule, what was expected, what came.
import { Failure } from "./failure.js";
import { DialogueError } from "./names.js";

/** A run: all of it held, or the first thing that did not, or why it was not run. */
export type Outcome =
  | { readonly kind: "held" }
  | { readonly kind: "skipped"; readonly reason: string }
  | {
      readonly kind: "failed";
      /** From 1; one past the last: what came after all steps. */
      readonly step: number;
      readonly written: string;
      /** The rule that was broken, when it is known. */
      readonly rule: string | undefined;
      readonly expected: string;
      readonly came: string;
      /** What was said and heard last. */
      readonly transcript: readonly string[];
    };

/** Runs steps in order; the first that fails ends it. Throws what is neither a fault nor a mistake of the dialogue. */
export async function outcomeOf<Step>(
  steps: readonly Step[],
  run: {
    readonly step: (step: Step) => Promise<void>;
    /** What must hold after the last step. */
    readonly after: () => Promise<void>;
    readonly transcript: () => readonly string[];
  },
): Promise<Outcome> {
  let index = 0;
  try {
    for (; index < steps.length; index += 1) {
      const step = steps[index];
      if (step !== undefined) await run.step(step);
    }
    await run.after();
    return { kind: "held" };
  } catch (error) {
    const written = index < steps.length ? JSON.stringify(steps[index]) : "the end";
    const failed = { kind: "failed" as const, step: index + 1, written, transcript: run.transcript() };
    if (error instanceof Failure) {
      return { ...failed, rule: error.rule, expected: error.expected, came: error.came };
    }
    if (!(error instanceof DialogueError)) throw error;
    return { ...failed, rule: undefined, expected: "a dialogue that can be run", came: error.message };
  }
}
