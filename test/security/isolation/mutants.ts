// Bugs that let somebody see or do what they may not, each planted in one place. The random cases must catch all of them.
import { Access } from "../../../src/document/access.js";
import type { ResolvedType } from "../../../src/document/definition/resolved-type.js";
import type { Call, Caller, Documents, Follower, OpenRequest } from "../../../src/document/documents.js";
import { Following } from "../../../src/document/following.js";
import type { Right } from "../../../src/document/grants.js";
import { refused } from "../../../src/document/refusal.js";
import type { Mutant } from "./world.js";

const ALL: readonly Right[] = ["open", "call", "publish", "create", "delete", "list", "history"];

const trusted = (caller: Caller, type: string): Caller => ({ ...caller, grants: [{ doc: `${type}/*`, may: ALL }] });

/** Of some requests nobody asks whether their caller may. */
function unasked(parts: {
  readonly open?: (request: OpenRequest) => boolean;
  readonly call?: (call: Call) => boolean;
  readonly list?: true;
}): Mutant {
  return {
    documents: (documents) =>
      over(documents, {
        open: (request) => {
          const { follower, document } = request;
          if (parts.open?.(request) !== true) return documents.open(request);
          documents.open({
            ...request,
            follower: instead(follower, { caller: trusted(follower.caller, document.type) }),
          });
        },
        call: (call) => {
          const { origin, document } = call;
          if (parts.call?.(call) !== true) return documents.call(call);
          const { client, conn } = origin;
          const answer: typeof origin.answer = (_call, given) => origin.answer(call, given);
          documents.call({ ...call, origin: { client, conn, answer, caller: trusted(origin.caller, document.type) } });
        },
        list: (request) =>
          documents.list(parts.list ? { ...request, caller: trusted(request.caller, request.type) } : request),
      }),
  };
}

const stands = new WeakMap<Follower, Follower>();

/** Something that stands for a follower, and is known by it. */
function instead(follower: Follower, parts: Partial<Follower>): Follower {
  const stand = {
    get caller() {
      return follower.caller;
    },
    opened: (opening: Parameters<Follower["opened"]>[0]) => follower.opened(opening),
    ended: (code: Parameters<Follower["ended"]>[0]) => follower.ended(code),
    said: (...what: Parameters<Follower["said"]>) => follower.said(...what),
    ...parts,
  };
  stands.set(follower, stand);
  return stand;
}

function over(documents: Documents, parts: Partial<Documents>): Documents {
  return {
    open: (request) => documents.open(request),
    close: (document, follower) => documents.close(document, stands.get(follower) ?? follower),
    refresh: (document, follower) => documents.refresh(document, stands.get(follower) ?? follower),
    say: (document, follower, speech) => documents.say(document, stands.get(follower) ?? follower, speech),
    call: (call) => documents.call(call),
    list: (request) => documents.list(request),
    ...parts,
  };
}

/** Puts another function into the place of a method, while `during` runs. */
function patched<Class, Name extends keyof Class>(of: Class, name: Name, put: Class[Name]): Pick<Mutant, "patch"> {
  return {
    patch: () => {
      const own = of[name];
      of[name] = put;
      return () => {
        of[name] = own;
      };
    },
  };
}

const retyped = (type: (type: ResolvedType) => ResolvedType): Mutant => ({ type });
const named = (...names: readonly string[]) => ({ call: ({ name }: Call) => names.includes(name) });

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "canOpen is not asked at a snapshot": unasked({
    open: ({ held, create }) => held === undefined && create === undefined,
  }),
  "canOpen is not asked at a resume": unasked({ open: ({ held }) => held !== undefined }),
  "canCreate is not asked at an open": unasked({ open: ({ create }) => create !== undefined }),
  "canOpen is not asked for a message": unasked(named("write")),
  "canOpen is not asked for an unknown message": unasked(named("nothing")),
  "canOpen is not asked for a query": unasked(named("peek")),
  "canOpen is not asked for the head": unasked(named("$head")),
  "canOpen is not asked for a get": unasked({
    call: ({ name, input }) => name === "$get" && !("seq" in Object(input)),
  }),
  "canHistory is not asked for a past state": unasked({
    call: ({ name, input }) => name === "$get" && "seq" in Object(input),
  }),
  "canHistory is not asked for the log": unasked(named("$history")),
  "nobody is asked for the past of a channel": unasked(named("history")),
  "nobody is asked for publishing": unasked(named("publish")),
  "canCreate is not asked": unasked(named("$create")),
  "canDelete is not asked": unasked(named("$delete")),
  "canList is not asked": unasked({ list: true }),
  "a stream is not asked about again when a token was refreshed": {
    documents: (documents) => over(documents, { refresh: () => undefined }),
  },
  "a stream goes on when it should end": {
    documents: (documents) =>
      over(documents, {
        open: (request) =>
          documents.open({ ...request, follower: instead(request.follower, { ended: () => undefined }) }),
      }),
  },
  "a stream of the log is not asked about again when the state changed": patched(
    Following.prototype,
    "wrote",
    function (this: Following) {
      this.changed();
    },
  ),
  "a view is not asked about again when the state changed": patched(
    Following.prototype,
    "recheckViews",
    () => undefined,
  ),
  "an absent document is said to be absent": patched(Access.prototype, "absence", (status) =>
    status === "absent" ? "not_found" : status,
  ),
  "what is wrong with an input is said of what is there": patched(
    Access.prototype,
    "absenceOf",
    function (this: Access, status, { origin }) {
      return refused(this.absence(status, origin.caller));
    },
  ),
  "a grant stands in for a message's own rule": retyped((type) => ({
    ...type,
    messages: new Map([...type.messages].map(([name, { can: _can, ...message }]) => [name, message])),
  })),
  "a grant stands in for a query's own rule": retyped((type) => ({
    ...type,
    queries: new Map([...type.queries].map(([name, { can: _can, ...query }]) => [name, query])),
  })),
  "hidden parts are shown": retyped((type) => ({ ...type, hidden: undefined, shown: undefined })),
  "an audience is not asked": retyped((type) => ({ ...type, audiences: new Map(), shown: undefined })),
  "all viewers have one key": retyped((type) => {
    const { views } = type;
    const mine = views?.mine === undefined ? undefined : { ...views.mine, key: () => "somebody else" };
    return views === undefined ? type : { ...type, views: { ...views, shared: views.shared.bind(views), mine } };
  }),
  "authors are revealed": retyped((type) => ({ ...type, revealAuthor: true })),
  "all are of one space": { space: "" },
};
