// Who may open, create, delete, list and look back: by a grant of the token, else by the rules of the type, with the
// defaults of one that does not say. A rule that throws says no. It also finds out which parts of the state an answer
// rested on, so that it is asked again only when one of them was written.
import type { ErrorCode, PatchOperation, Principal } from "@tidemark/protocol";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { Document } from "./document.js";
import type { DocumentName } from "./document-store.js";
import type { Call, Caller } from "./documents.js";
import { isGranted, isGrantedForAll, type Right } from "./grants.js";
import type { HostReport } from "./host-report.js";
import { topPartOf } from "./parts.js";
import { inputRefusal, isYes, type Refused, refused } from "./refusal.js";

/** Stands for "which parts there are", and for the root. */
export const ANY_PART = "";

/** May `caller` page through the keys of the type? Without a rule: only API keys, which have the role `service`. A grant
 * must be of all keys, since all are shown (ACCESS-3). */
export const mayList = (type: ResolvedType, name: string, { principal, grants, scope }: Caller): boolean =>
  (scope === undefined || isGrantedForAll(scope, "list", name)) &&
  (isGrantedForAll(grants, "list", name) ||
    (type.canList === undefined ? isService(principal) : isYes(type.canList(principal, {}))));

const isService = (caller: Principal): boolean => caller.roles.includes("service");

const RIGHT_OF = { canDelete: "delete", canHistory: "history" } as const;

/** Why there is no state. */
export type Absence = "absent" | "deleted" | "quarantined" | "type_ahead";

/** The rules of one document. */
export class Access {
  readonly #type: ResolvedType;
  readonly #name: DocumentName;
  readonly #report: HostReport;

  constructor({ type, name, report }: { type: ResolvedType; name: DocumentName; report: HostReport }) {
    this.#type = type;
    this.#name = name;
    this.#report = report;
  }

  /** May `viewer` follow and read? `read` hears the top-level parts that the rule looked at. */
  mayOpen(document: Document, viewer: Caller, read?: (part: string) => void): boolean {
    if (!this.#isInScope("open", viewer)) return false;
    const rule = this.#type.canOpen;
    if (rule === undefined || this.#isGranted("open", viewer)) return true;
    const ask = (state: object): boolean =>
      isYes(rule(viewer.principal, read === undefined ? state : reportingReads(state, read), this.#name.key));
    return this.#guarded("canOpen", () => document.read(ask));
  }

  /** May `caller` send a message or query that has no rule of its own? */
  mayCall(document: Document, caller: Caller): boolean {
    if (!this.mayTry(caller)) return false;
    const rule = this.#type.canOpen;
    if (rule === undefined || this.#isGranted(this.#type.callRight, caller)) return true;
    return this.#guarded("canOpen", () =>
      document.read((state) => isYes(rule(caller.principal, state, this.#name.key))),
    );
  }

  /** Are messages and queries within the caller's reach at all (AUTH-7)? Where one has a rule of its own, that decides. */
  mayTry(caller: Caller): boolean {
    return this.#isInScope(this.#type.callRight, caller);
  }

  /** May `caller` look at the messages of a channel? Whoever follows it may come back to them anyway. */
  mayLookBack(caller: Caller): boolean {
    return this.#isGranted("open", caller) || this.#isGranted("history", caller);
  }

  /** The same of any state. */
  mayOpenAt(state: object, viewer: Caller): boolean {
    if (!this.#isInScope("open", viewer)) return false;
    const rule = this.#type.canOpen;
    if (rule === undefined || this.#isGranted("open", viewer)) return true;
    return this.#guarded("canOpen", () => isYes(rule(viewer.principal, state, this.#name.key)));
  }

  /** May `caller` publish on a channel? */
  mayPublish(caller: Caller): boolean {
    return this.#isGranted("publish", caller);
  }

  /** Without a rule: only API keys. A channel is made by its first use, for whoever has the right to it. */
  mayCreate(caller: Caller, use: "open" | "publish" = "open"): boolean {
    if (this.#isGranted("create", caller)) return true;
    const { channel, canCreate: rule } = this.#type;
    if (channel !== undefined) return this.#isGranted(use, caller);
    if (!this.#isInScope("create", caller)) return false;
    if (rule === undefined) return isService(caller.principal);
    return this.#guarded("canCreate", () => isYes(rule(caller.principal, this.#name.key)));
  }

  /** Without a rule: only API keys. */
  mayWithState(name: "canDelete" | "canHistory", document: Document, caller: Caller): boolean {
    if (!this.#isInScope(RIGHT_OF[name], caller)) return false;
    if (this.#isGranted(RIGHT_OF[name], caller)) return true;
    const rule = this.#type[name];
    if (rule === undefined) return isService(caller.principal);
    return this.#guarded(name, () => document.read((state) => isYes(rule(caller.principal, state, this.#name.key))));
  }

  /** What somebody hears of a document without a state. Strangers hear the same as of a forbidden one (R18). */
  absence(status: Absence, caller: Caller): ErrorCode {
    if (!this.mayCreate(caller)) return "denied";
    return status === "absent" ? "not_found" : status;
  }

  /** The same of a call. A rule of its own is asked about a valid input only, so that what is wrong with one is said where
   * there is nothing, too: else it would tell the two apart (R18). */
  absenceOf(status: Absence, { name, input, origin }: Call): Refused {
    const asked = this.#type.messages.get(name) ?? this.#type.queries.get(name);
    const refusal = asked?.can === undefined ? undefined : inputRefusal(asked.input, input);
    return refusal ?? refused(this.absence(status, origin.caller));
  }

  #isInScope(right: Right, { scope }: Caller): boolean {
    return scope === undefined || isGranted(scope, right, this.#name);
  }

  #isGranted(right: Right, caller: Caller): boolean {
    return isGranted(caller.grants, right, this.#name) && this.#isInScope(right, caller);
  }

  #guarded(rule: string, ask: () => boolean): boolean {
    try {
      return ask();
    } catch (error) {
      this.#report.handlerFailed(this.#name, rule, error);
      return false;
    }
  }
}

function reportingReads(state: object, read: (part: string) => void): object {
  return new Proxy(state, {
    get(target, part, receiver) {
      if (typeof part === "string") read(part);
      return Reflect.get(target, part, receiver);
    },
    has(target, part) {
      if (typeof part === "string") read(part);
      return Reflect.has(target, part);
    },
    getOwnPropertyDescriptor(target, part) {
      if (typeof part === "string") read(part);
      return Reflect.getOwnPropertyDescriptor(target, part);
    },
    ownKeys(target) {
      read(ANY_PART);
      return Reflect.ownKeys(target);
    },
  });
}

/** The top-level parts of the state that operations write; ANY_PART alone when it may be any. */
export function* partsWritten(operations: readonly PatchOperation[]): Generator<string> {
  for (const operation of operations) {
    yield partAt(operation[1], operation[0]);
    if (operation[0] === ">") yield partAt(operation[2], operation[0]);
  }
}

function partAt(path: string, kind: PatchOperation[0]): string {
  const end = path.indexOf("/", 1);
  // The root itself; or a part that comes or goes, which changes what parts there are.
  if (path === "" || (end === -1 && kind !== "=" && kind !== "~")) return ANY_PART;
  return topPartOf(path);
}
