// What must come of a case, in a few lines and without a look at the code: what each deed is answered, when a stream ends,
// and which secrets may ever be seen.
import type { Right } from "../../../src/document/grants.js";
import type { Case, Deed, OwnerDeed, Rights, Says } from "./cases.js";

/** A piece of text that is nowhere else. `mine`: meant for the viewer. */
export interface Secret {
  readonly kind: "text" | "hidden" | "owned" | "whisper";
  readonly mine: boolean;
  /** Its number among all steps of the case. */
  readonly step: number;
}

/** What the viewer may do at one moment. */
type Allowed = Readonly<Record<"open" | "call" | "can" | "history", boolean>>;

const OPENINGS: ReadonlySet<Deed> = new Set(["open", "resume", "openCreate", "openLast", "openSome"]);

export class Model {
  readonly #case: Case;
  #rights: Rights;
  #status: "absent" | "live" | "deleted";
  #isOpen = true;
  #following = false;
  /** The step after which each was possible last. */
  readonly #until: Record<keyof Allowed, number> = { open: -1, call: -1, can: -1, history: -1 };
  #step = 0;
  /** The viewer was ever allowed to know that there is a document, or not. */
  mayKnow = false;

  constructor(one: Case) {
    this.#case = one;
    this.#rights = one.rights;
    this.#status = one.born ? "live" : "absent";
    this.#look();
  }

  get step(): number {
    return this.#step;
  }

  get isFollowing(): boolean {
    return this.#following;
  }

  /** The owner did something; what the viewer's stream is told: `undefined`, or why it ended. */
  owner(deed: OwnerDeed): string | undefined {
    this.#step += 1;
    if (deed === "create" && this.#status !== "live") this.#begin();
    else if (deed === "delete" && this.#status === "live") this.#status = "deleted";
    else if (this.#status !== "live" && this.#isChannel && deed !== "delete") this.#begin();
    if (this.#status === "live" && (deed === "shut" || deed === "reopen")) this.#isOpen = deed === "reopen";
    return this.#settle();
  }

  refresh(rights: Rights): string | undefined {
    this.#step += 1;
    this.#rights = rights;
    return this.#settle();
  }

  /** What a deed is answered: `ok`, or a code; and why a stream that there was has ended. */
  deed(deed: Deed): { readonly answer: string; readonly ended: string | undefined } {
    this.#step += 1;
    const answer = this.#answer(deed);
    const opens = deed === "openCreate" || (this.#isChannel && OPENINGS.has(deed));
    // Who may create and not read has created all the same.
    if (opens && this.#status !== "live" && this.#mayCreate()) this.#begin();
    if (answer === "ok") this.#effect(deed);
    return { answer, ended: this.#settle() };
  }

  /** May it have been seen? Written at its step, and whoever may later read may read what was before. */
  maySee({ kind, mine, step }: Secret): boolean {
    const since = (what: keyof Allowed): boolean => this.#until[what] >= step;
    const { shape } = this.#case.policy;
    if (shape === "channel") return since("open") || since("history");
    if (kind === "text") return since("open") || since("call") || since("can") || since("history");
    // The log is not filtered by views and audiences, only hidden parts are cut.
    const byHistory = since("history");
    if (kind === "whisper") return byHistory || (shape === "views" && mine && since("open"));
    if (shape === "log") return since("open") || byHistory;
    if (shape === "hidden") return false;
    return byHistory || (kind === "owned" && mine && since("open"));
  }

  get #isChannel(): boolean {
    return this.#case.policy.shape === "channel";
  }

  #begin(): void {
    this.#status = "live";
    this.#isOpen = true;
  }

  #settle(): string | undefined {
    this.#look();
    if (!this.#following) return undefined;
    const code = this.#status === "live" ? (this.#allowed().open ? undefined : "denied") : "deleted";
    this.#following = code === undefined;
    return code;
  }

  #look(): void {
    const allowed = this.#allowed();
    for (const what of ["open", "call", "can", "history"] as const) if (allowed[what]) this.#until[what] = this.#step;
    const { canCreate, canDelete, canList } = this.#case.policy;
    const others = this.#may("create", canCreate) || this.#may("delete", canDelete) || this.#mayList(canList);
    const channel = this.#isChannel && this.#granted("publish");
    this.mayKnow ||= Object.values(allowed).includes(true) || others || channel;
  }

  #allowed(): Allowed {
    const { canOpen, canHistory, can } = this.#case.policy;
    if (this.#isChannel) {
      const open = this.#granted("open");
      // Only the log itself needs more than the history of messages does.
      return { open, call: false, can: false, history: this.#granted("history") };
    }
    const rule = canOpen === "default" || this.#says(canOpen);
    return {
      open: this.#granted("open") || rule,
      call: this.#granted("call") || rule,
      can: can === "default" ? this.#granted("call") || rule : this.#says(can),
      history: this.#may("history", canHistory),
    };
  }

  #answer(deed: Deed): string {
    const allowed = this.#allowed();
    const creates = this.#mayCreate();
    const absence = creates ? (this.#status === "deleted" ? "deleted" : "not_found") : "denied";
    const live = (may: boolean): string => (this.#status === "live" ? (may ? "ok" : "denied") : absence);
    switch (deed) {
      case "close":
        return "ok";
      case "list":
        return this.#mayList(this.#case.policy.canList) ? "ok" : "denied";
      case "create":
        return creates ? (this.#status === "live" ? "already_exists" : "ok") : "denied";
      case "delete":
        return live(this.#may("delete", this.#case.policy.canDelete));
      case "openCreate":
        return this.#status === "live" ? live(allowed.open) : creates && this.#opensNew() ? "ok" : "denied";
      case "openSome":
        if (!this.#isChannel) return live(allowed.open) === "ok" ? "invalid_params" : live(allowed.open);
        return this.#opensChannel(creates, allowed.open);
      case "open":
      case "openLast":
      case "resume":
        return this.#isChannel ? this.#opensChannel(creates, allowed.open) : live(allowed.open);
      case "head":
      case "get":
        return live(allowed.open);
      case "past":
        return live(allowed.open && allowed.history);
      case "history":
        return live(allowed.history);
      default:
        return this.#isChannel ? this.#channelCall(deed, absence) : this.#call(deed, allowed, live);
    }
  }

  #opensChannel(creates: boolean, open: boolean): string {
    return open && (creates || this.#status === "live") ? "ok" : "denied";
  }

  #call(deed: Deed, { call, can }: Allowed, live: (may: boolean) => string): string {
    switch (deed) {
      case "guardedBadly":
      case "guardedPeekBadly":
        // What an input must be is no secret. Where there is no rule of its own, access comes first.
        if (this.#case.policy.can !== "default") return "invalid_input";
        return live(can) === "ok" ? "invalid_input" : live(can);
      case "guarded":
      case "guardedPeek":
        return live(can);
      case "unknown":
      case "messages":
        return live(call) === "ok" ? "unknown_message" : live(call);
      case "ifSeq":
        return live(call) === "ok" ? "conflict" : live(call);
      default:
        return live(call);
    }
  }

  #channelCall(deed: Deed, absence: string): string {
    const live = this.#status === "live";
    const publishes = this.#granted("publish");
    switch (deed) {
      case "write":
        return publishes ? "ok" : live ? "denied" : absence;
      case "ifSeq":
        return publishes ? "conflict" : live ? "denied" : absence;
      case "messages": {
        const looks = this.#granted("open") || this.#granted("history");
        return looks ? "ok" : live ? "denied" : absence;
      }
      default:
        return live ? (publishes ? "unknown_message" : "denied") : absence;
    }
  }

  #effect(deed: Deed): void {
    if (deed === "delete") this.#status = "deleted";
    if (deed === "create") this.#begin();
    if (deed === "close") this.#following = false;
    if (deed === "write" && this.#status !== "live") this.#begin();
    if (OPENINGS.has(deed)) this.#following = true;
  }

  /** What `canOpen` says of a document that was just made. */
  #opensNew(): boolean {
    const { canOpen } = this.#case.policy;
    if (this.#isChannel || this.#granted("open")) return this.#granted("open");
    return canOpen === "default" || canOpen === "open" || this.#says(canOpen);
  }

  #mayCreate(): boolean {
    if (this.#granted("create") || (this.#isChannel && this.#granted("open"))) return true;
    return this.#may("create", this.#case.policy.canCreate);
  }

  #mayList(says: Says): boolean {
    const all = this.#rights.grants.some(({ doc, may }) => doc === "TYPE/*" && may.includes("list"));
    if (all || this.#isChannel) return all;
    return says === "default" ? this.#rights.roles.includes("service") : this.#says(says);
  }

  #may(right: Right, says: Says): boolean {
    if (this.#granted(right) || this.#isChannel) return this.#granted(right);
    return says === "default" ? this.#rights.roles.includes("service") : this.#says(says);
  }

  #says(says: Says): boolean {
    return (
      says === "yes" ||
      (says === "member" && this.#rights.roles.includes("member")) ||
      (says === "open" && this.#isOpen)
    );
  }

  #granted(right: Right): boolean {
    return this.#rights.grants.some(
      ({ doc, may }) => ["TYPE/doc", "TYPE/d*", "TYPE/*"].includes(doc) && may.includes(right),
    );
  }
}
