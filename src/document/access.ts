// Who may open, create, delete, list and look back, with the defaults of a type that does not say. A rule that throws
// says no. It also finds out which parts of the state an answer rested on, so that it is asked again only when one of
// them was written.
import type { ErrorCode, PatchOperation, Principal } from "@tidemark/protocol";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { Document } from "./document.js";
import type { DocumentName } from "./document-store.js";
import type { HostReport } from "./host-report.js";
import { topPartOf } from "./parts.js";
import { isYes } from "./refusal.js";

/** Stands for "which parts there are", and for the root. */
export const ANY_PART = "";

/** May `caller` page through the keys of the type? Without a rule: only API keys, which have the role `service`. */
export const mayList = (type: ResolvedType, caller: Principal): boolean =>
  type.canList === undefined ? isService(caller) : isYes(type.canList(caller, {}));

const isService = (caller: Principal): boolean => caller.roles.includes("service");

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
  mayOpen(document: Document, viewer: Principal, read?: (part: string) => void): boolean {
    const rule = this.#type.canOpen;
    if (rule === undefined) return true;
    const ask = (state: object): boolean =>
      isYes(rule(viewer, read === undefined ? state : reportingReads(state, read), this.#name.key));
    return this.#guarded("canOpen", () => document.read(ask));
  }

  /** The same of any state. */
  mayOpenAt(state: object, viewer: Principal): boolean {
    const rule = this.#type.canOpen;
    return rule === undefined || this.#guarded("canOpen", () => isYes(rule(viewer, state, this.#name.key)));
  }

  /** Without a rule: only API keys. */
  mayCreate(caller: Principal): boolean {
    const rule = this.#type.canCreate;
    if (rule === undefined) return isService(caller);
    return this.#guarded("canCreate", () => isYes(rule(caller, this.#name.key)));
  }

  /** Without a rule: only API keys. */
  mayWithState(name: "canDelete" | "canHistory", document: Document, caller: Principal): boolean {
    const rule = this.#type[name];
    if (rule === undefined) return isService(caller);
    return this.#guarded(name, () => document.read((state) => isYes(rule(caller, state, this.#name.key))));
  }

  /** What somebody hears of a document without a state. Strangers hear the same as of a forbidden one (R18). */
  absence(status: "absent" | "deleted" | "quarantined" | "type_ahead", caller: Principal): ErrorCode {
    if (!this.mayCreate(caller)) return "denied";
    return status === "absent" ? "not_found" : status;
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
