// `tidemark key`: the API keys of a database, while a server serves it or while none does.
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import type { Power, StoredKey } from "../auth/credential-store.js";
import type { Grant } from "../document/grants.js";
import type { KeyFile } from "../storage/sqlite/key-file.js";
import { describeCommand } from "./command.js";
import { CommandError, UsageError } from "./exit.js";
import { dataFlag, wholeNumber } from "./flags.js";
import { collected, grant } from "./grant-flag.js";
import { Output } from "./output.js";

interface KeyFlags {
  readonly grant: readonly Grant[];
  readonly may: readonly Power[];
  readonly space: string;
  readonly expires?: number;
  readonly overlap: number;
  readonly id?: string;
  readonly data: string;
  readonly json?: true;
}

type Action = "create" | "list" | "revoke" | "rotate";

const DAY_S = 86_400;
const EXPIRES_MAX_S = 100 * 365 * DAY_S;

/** Describes `key`. */
export function keyCommand(): Command {
  const command = describeCommand("key", "Make, list, replace and withdraw API keys", [
    {
      does: "for a backend that writes all boards",
      type: "tidemark key create backend --grant 'board/*=open,call,create'",
    },
    {
      does: "a new one, while the old one is good for an hour more",
      type: "tidemark key rotate backend --overlap 3600",
    },
    { does: "out of hand: all of that name, within 5 s", type: "tidemark key revoke backend" },
  ])
    .addArgument(new Argument("<action>", "what to do").choices(["create", "list", "revoke", "rotate"]))
    .addArgument(new Argument("[name]", "name of the key; its holder is `key:<name>`").argParser(keyName));
  return command
    .addOption(
      new Option("--grant <grant>", "what its holder may do, and nothing else, as type/key=open,call; repeatable")
        .argParser(collected(grant))
        .default([], "none"),
    )
    .addOption(
      new Option("--may <powers>", "`tokens` (make connect tokens), `revocations` (revoke tokens), with commas")
        .argParser(powers)
        .default([], "neither"),
    )
    .addOption(new Option("--space <space>", "the tenant whose documents they are").default("", "the empty one"))
    .addOption(new Option("--expires <s>", "how long the new key is good").argParser(wholeNumber(1, EXPIRES_MAX_S)))
    .addOption(
      new Option("--overlap <s>", "how long those that `rotate` replaces are good")
        .argParser(wholeNumber(0, EXPIRES_MAX_S))
        .default(DAY_S),
    )
    .option("--id <id>", "revoke only the key of this number, as `list` shows it")
    .addOption(dataFlag())
    .action(key);
}

async function key(action: Action, name: string | undefined, flags: KeyFlags): Promise<void> {
  const output = new Output({ json: flags.json === true });
  if (action !== "list" && name === undefined) throw new UsageError(`key ${action} needs the name of a key`, NAME_HINT);
  // Commands that only talk to a server start faster without one.
  const { openKeyFile } = await import("../storage/sqlite/key-file.js");
  if (action === "create" && flags.grant.length === 0 && flags.may.length === 0) throw new UsageError(...NO_GRANT);
  const file = openKeyFile(flags.data, { create: action === "create" });
  try {
    if (action === "list") return list(file, name, output);
    if (action === "revoke") return revoke(file, name ?? "", { flags, output });
    await make(action, name ?? "", { file, flags, output });
  } finally {
    file.close();
  }
}

const NAME_HINT = "For example: tidemark key create backend --grant 'board/*=open'";
const NO_GRANT = ["a key without a grant could do nothing", "Add --grant, e.g. --grant 'board/*=open,call'."] as const;

interface Making {
  readonly file: KeyFile;
  readonly flags: KeyFlags;
  readonly output: Output;
}

async function make(action: "create" | "rotate", name: string, { file, flags, output }: Making): Promise<void> {
  const { makeKey } = await import("../auth/api-key.js");
  const { systemRuntime } = await import("../runtime/system-runtime.js");
  const now = systemRuntime.now();
  const expiresAt = flags.expires === undefined ? undefined : now + flags.expires * 1_000;
  const replaced = action === "rotate" ? inForce(file, name, now) : [];
  const { grants, powers, space } = replaced.at(-1) ?? { grants: flags.grant, powers: flags.may, space: flags.space };
  const { token, stored } = makeKey(systemRuntime, { name, space, grants, powers, expiresAt });
  const endAt = now + flags.overlap * 1_000;
  const ending = replaced.map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? endAt, endAt) }));
  file.save([...ending, stored]);
  output.result(token, { key: token, id: stored.id, name, expiresAt });
  if (flags.json === true) return;
  output.note(`key:${name}, number ${stored.id}. It is not shown again; a server takes it within 5 s.`, {});
  for (const { id, expiresAt: end = 0 } of ending) output.note(`${id} ends ${when(end)}`, {});
}

/** The keys of a name that still let somebody in. */
function inForce(file: KeyFile, name: string, now: number): readonly StoredKey[] {
  return named(file, name).filter(({ expiresAt = now + 1 }) => expiresAt > now);
}

function revoke(file: KeyFile, name: string, { flags, output }: Pick<Making, "flags" | "output">): void {
  const ids = named(file, name).flatMap(({ id }) => (flags.id === undefined || id === flags.id ? [id] : []));
  if (ids.length === 0) throw new CommandError(`${name} has no key ${flags.id ?? ""}`, LIST_HINT);
  file.remove(ids);
  output.result(`revoked ${ids.join(", ")}; a server ends what rests on it within 5 s`, { revoked: ids });
}

function list(file: KeyFile, name: string | undefined, output: Output): void {
  const keys = name === undefined ? file.keys() : named(file, name);
  const shown = keys.map(({ hash: _hash, ...rest }) => rest);
  output.result(keys.length === 0 ? "no keys" : keys.map(describe).join("\n"), { keys: shown });
}

function describe({ id, name, space, createdAt, expiresAt, usedAt, grants, powers }: StoredKey): string {
  const times = [
    `made ${when(createdAt)}`,
    expiresAt === undefined ? "never ends" : `ends ${when(expiresAt)}`,
    usedAt === undefined ? "not used yet" : `used ${when(usedAt)}`,
  ];
  const rights = [...grants.map(({ doc, may }) => `${doc}=${may.join(",")}`), ...powers.map((power) => `may ${power}`)];
  return `${name}  ${id}${space === "" ? "" : `  in ${space}`}  ${times.join(", ")}\n  ${rights.join("  ")}`;
}

function named(file: KeyFile, name: string): readonly StoredKey[] {
  const keys = file.keys().filter((key) => key.name === name);
  if (keys.length > 0) return keys;
  throw new CommandError(`there is no key ${name}`, LIST_HINT);
}

const LIST_HINT = "Look at `tidemark key list`, and at --data.";

const when = (ms: number): string => new Date(ms).toISOString();

function keyName(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 64 of A-Z a-z 0-9 . _ -");
}

function powers(text: string): readonly Power[] {
  return text.split(",").map((power) => {
    if (power === "tokens" || power === "revocations") return power;
    throw new InvalidArgumentError("It must be tokens, revocations, or both with a comma.");
  });
}
