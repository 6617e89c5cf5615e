// What followers of one document may say to each other: checked here against the type and the rights of the token, never
// passed on and never kept.
import type { Json } from "@tidemark/protocol";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { DocumentName } from "./document-store.js";
import type { Caller, Follower, RefusedAnswer, Speech } from "./documents.js";
import { isGranted } from "./grants.js";
import type { HostReport } from "./host-report.js";
import { invalidInput, parseInput, refusalOf, refused } from "./refusal.js";
import { detachedJson } from "./transaction-context.js";

/** Whose document it is about. */
export interface SpeechRules {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly report: HostReport;
}

type Checked = { readonly ok: true; readonly speech: Speech } | { readonly ok: false; readonly refusal: RefusedAnswer };

/** Checks what an attached follower wants to say, and tells it. */
export function checkSpeech(rules: SpeechRules, follower: Follower, speech: Speech): void {
  const checked = check(rules, follower.caller, speech);
  if (checked.ok) follower.said(checked.speech, undefined);
  else follower.said(speech, checked.refusal);
}

function check(rules: SpeechRules, caller: Caller, speech: Speech): Checked {
  const { name, type, report } = rules;
  const isSignal = speech.kind === "signal";
  const schema = isSignal ? type.peers?.signals.get(speech.name) : type.peers?.presence;
  if (schema === undefined) return { ok: false, refusal: { code: "unknown_message" } };
  const may = isSignal ? maySignal(caller, rules) : mayBePresent(caller, rules);
  if (!may) return { ok: false, refusal: { code: "denied" } };
  if (!isSignal && speech.meta === null) return { ok: true, speech };
  const what = isSignal ? `signals.${speech.name}` : "presence";
  try {
    const parsed = parseInput(schema, isSignal ? speech.data : speech.meta);
    if (!parsed.ok) return { ok: false, refusal: invalidInput(parsed.issues).answer };
    return { ok: true, speech: withValue(speech, plain(parsed.value)) };
  } catch (error) {
    const { answer, thrown } = refusalOf(error);
    report.handlerFailed(name, what, thrown ?? error);
    // It is the application's fault, whatever its schema made of it.
    return { ok: false, refusal: answer.code === "handler_failed" ? answer : refused("handler_failed").answer };
  }
}

/** On a channel a signal is a message, only that it is not kept (CHANNEL-7). */
const maySignal = ({ grants }: Caller, { name, type }: SpeechRules): boolean =>
  type.channel === undefined || isGranted(grants, "publish", name);

/** Whoever follows by a grant needs one for this, too; whoever `canOpen` lets in does not (PRES-7). */
function mayBePresent({ grants }: Caller, { name, type }: SpeechRules): boolean {
  return type.canOpen === undefined || isGranted(grants, "presence", name) || !isGranted(grants, "open", name);
}

/** Checked like whatever an application gives, and data that any codec takes. Throws for what is not JSON. */
const plain = (value: unknown): Json => JSON.parse(JSON.stringify(detachedJson(value, "")));

const withValue = (speech: Speech, value: Json): Speech =>
  speech.kind === "signal" ? { ...speech, data: value } : { ...speech, meta: value };
