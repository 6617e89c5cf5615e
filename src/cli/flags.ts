// The flags and arguments that several commands share, each defined once: form, default, environment twin, and what is
// said of a value that does not fit.
import { isTypeName, LIMITS, parseDocumentId } from "@tidemark/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import { LOG_LEVELS } from "../observability/logger.js";
import { FIGURES_INTERVAL_MS } from "../server-figures.js";
import { UsageError } from "./exit.js";
import { parseJsonArgument } from "./json-argument.js";

/** Flags of the commands that talk to a server. */
export interface ClientFlags {
  readonly url: string;
  readonly as?: string;
  readonly token?: string;
  readonly json?: true;
}

/** Flags of the commands that are a server. */
export interface ServerFlags {
  readonly port: number;
  readonly data: string;
  readonly origins: readonly string[];
  readonly log: (typeof LOG_LEVELS)[number];
  readonly static?: string;
  readonly pingMs: number;
  readonly figuresMs: number;
  readonly foldRows?: number;
  readonly httpRate: number;
  readonly connectionsMax: number;
  readonly apiDocs: boolean;
  readonly json?: true;
}

/** Flags of an edge. */
export interface EdgeFlags {
  readonly server: string;
  readonly port: number;
  readonly origins: readonly string[];
  readonly log: (typeof LOG_LEVELS)[number];
  readonly json?: true;
}

/** A document id, apart. */
export interface DocumentId {
  readonly type: string;
  readonly key: string;
}

const DEFAULT_URL = "http://127.0.0.1:8787";
const DEV_NAME = /^[A-Za-z0-9._~@-]{1,128}$/;
const TIMER_MAX_MS = 2 ** 31 - 1;
const PING_MIN_MS = 100;
const PING_MAX_MS = 3_600_000;
const FIGURES_MIN_MS = 100;

/** A flag whose value may come from the environment too. */
export const setting = (flags: string, description: string, twin: string): Option =>
  new Option(flags, description).env(twin);

/** Reads a whole number within bounds. */
export const wholeNumber =
  (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
  };

/** Reads a number of milliseconds. */
export const milliseconds = wholeNumber(1, TIMER_MAX_MS);

/** Reads `type/key`. */
export function documentId(text: string): DocumentId {
  const id = parseDocumentId(text);
  if (id !== undefined) return id;
  const form = "It must be type/key, e.g. todo/home; a key is 1 to 128 of A-Z a-z 0-9 . _ ~ -, but not . or ..";
  throw new InvalidArgumentError(form);
}

/** Reads a type's name. */
export function typeName(text: string): string {
  if (isTypeName(text)) return text;
  throw new InvalidArgumentError("It must be a document type: a letter, then at most 63 of A-Z a-z 0-9 _ -");
}

/** The database file. */
export const dataFlag = (): Option =>
  setting("--data <file>", "database file", "TIDEMARK_DATA").default("./tidemark.db");

/** `--create`, for commands that may bring a document into being. */
export const createFlag = (): Option =>
  new Option("--create [json]", "create the document if there is none, from what its type asks of a creator")
    .argParser((text: string) => parseJsonArgument("--create", text))
    .preset("true");

/** Adds what every command needs that talks to a server. */
export function addClientFlags(command: Command): Command {
  return command
    .addOption(
      setting("--url <url>", "address of the server", "TIDEMARK_URL").argParser(serverUrl).default(DEFAULT_URL),
    )
    .addOption(setting("--as <id>", "who to be: a name that `tidemark dev` believes", "TIDEMARK_AS").argParser(devName))
    .addOption(setting("--token <token>", "token for the server; safer in the environment", "TIDEMARK_TOKEN"));
}

/** Adds what every command needs that is a server. */
export function addServerFlags(command: Command): Command {
  return command
    .addOption(portFlag(8_787))
    .addOption(dataFlag())
    .addOption(originsFlag())
    .addOption(setting("--static <folder>", "folder of files to serve at /", "TIDEMARK_STATIC"))
    .addOption(
      setting(
        "--ping-ms <ms>",
        "how often to ping clients; silent for 2.5 times as long, one is gone",
        "TIDEMARK_PING_MS",
      )
        .argParser(wholeNumber(PING_MIN_MS, PING_MAX_MS))
        .default(LIMITS.pingIntervalMs),
    )
    .addOption(
      setting("--figures-ms <ms>", "how often to log what was counted, at level info", "TIDEMARK_FIGURES_MS")
        .argParser(wholeNumber(FIGURES_MIN_MS, TIMER_MAX_MS))
        .default(FIGURES_INTERVAL_MS),
    )
    .addOption(
      setting("--http-rate <calls>", "calls a second of one caller over HTTP; 0: any number", "TIDEMARK_HTTP_RATE")
        .argParser(wholeNumber(0))
        .default(LIMITS.httpCallsPerSecond),
    )
    .addOption(
      setting("--connections-max <count>", "connections of one caller; 0: any number", "TIDEMARK_CONNECTIONS_MAX")
        .argParser(wholeNumber(0))
        .default(LIMITS.connectionsPerPrincipal),
    )
    .option("--no-api-docs", "do not describe the API at /v1/openapi.json and /v1/docs-ui/")
    .addOption(logFlag())
    .addOption(
      setting("--fold-rows <rows>", "rows in the journal that start a fold", "TIDEMARK_FOLD_ROWS")
        .argParser(wholeNumber(1))
        .hideHelp(),
    );
}

/** Adds what an edge needs. */
export function addEdgeFlags(command: Command): Command {
  return command
    .addOption(
      setting("--server <url>", "address of the server that it is an edge of", "TIDEMARK_SERVER")
        .argParser(httpUrl)
        .makeOptionMandatory(),
    )
    .addOption(portFlag(8_788))
    .addOption(originsFlag())
    .addOption(logFlag());
}

const portFlag = (port: number): Option =>
  setting("--port <port>", "port to listen on; 0 takes a free one", "TIDEMARK_PORT")
    .argParser(wholeNumber(0, 65_535))
    .default(port);

const originsFlag = (): Option =>
  setting(
    "--origins <origins>",
    "origins whose pages may connect besides the server's own, with commas",
    "TIDEMARK_ORIGINS",
  )
    .argParser(origins)
    .default([], "none");

const logFlag = (): Option =>
  setting("--log <level>", "what to log, as JSON on standard error", "TIDEMARK_LOG")
    .choices(LOG_LEVELS)
    .default("info");

/** The token to show. Throws UsageError when nobody is named, or two are. */
export function tokenOf({ as, token }: ClientFlags, command: Command): string {
  const typed = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  if (typed("as") && typed("token")) throw new UsageError("--as and --token both say who you are", "Give one of them.");
  // What is typed goes before what the environment says.
  if (as !== undefined && (token === undefined || typed("as"))) return `dev:${as}`;
  if (token !== undefined) return token;
  const hint = "Add --as <id>, any name, for `tidemark dev`; or --token (TIDEMARK_TOKEN), as the application takes it.";
  throw new UsageError("the server will want to know who you are", hint);
}

/** How long a command waits that only reads. */
export const READ_DEADLINE_MS: number = LIMITS.deadlineMs;

function serverUrl(text: string): string {
  if (URL.canParse(text) && /^(https?|wss?):$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError(`It must be an address such as ${DEFAULT_URL}.`);
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).origin;
  throw new InvalidArgumentError(`It must be an address such as ${DEFAULT_URL}.`);
}

function devName(text: string): string {
  if (DEV_NAME.test(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 128 of A-Z a-z 0-9 . _ ~ @ -");
}

function origins(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const origin = part.trim();
    if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) return origin;
    throw new InvalidArgumentError(`"${origin}" is no origin; one looks like https://example.org, without a path.`);
  });
}
