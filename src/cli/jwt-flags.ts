// The flags about signed tokens, and what they stand for. Keys are read from files, and the secret from the environment
// too: a command line can be read by everybody on the machine.
import { readFileSync } from "node:fs";
import { LIMITS, OperatorError } from "@tidemark/protocol";
import { type Command, InvalidArgumentError } from "commander";
import type { JwtOptions } from "../auth/jwt.js";
import { setting, wholeNumber } from "./flags.js";

/** Flags of commands that have to do with signed tokens. */
export interface SecretFlags {
  readonly jwtSecret?: string;
  readonly jwtIssuer?: readonly string[];
  readonly jwtAudience?: readonly string[];
}

/** Flags of what checks tokens. */
export interface JwtFlags extends SecretFlags {
  readonly jwtPublicKey?: readonly string[];
  readonly jwks?: string;
  readonly jwtLeeway: number;
  readonly jwtTtlMax: number;
}

const SECRET_VARIABLE = "TIDEMARK_JWT_SECRET";
const LEEWAY_MAX_S = 300;
const TTL_MAX_S = 10 * 365 * 86_400;

/** Adds what signing and checking have in common. */
export function addSecretFlags(command: Command): Command {
  return command
    .option(
      "--jwt-secret <file>",
      `file with the secret that tokens are signed with (env: ${SECRET_VARIABLE}, which holds the secret itself)`,
    )
    .addOption(
      setting("--jwt-issuer <names>", "`iss` of tokens, with commas", "TIDEMARK_JWT_ISSUER").argParser(commaList),
    )
    .addOption(
      setting("--jwt-audience <names>", "`aud` of tokens, with commas", "TIDEMARK_JWT_AUDIENCE").argParser(commaList),
    );
}

/** Adds what a server needs to check tokens. */
export function addJwtFlags(command: Command): Command {
  return addSecretFlags(command)
    .addOption(
      setting(
        "--jwt-public-key <files>",
        "files with public keys in PEM that tokens are checked with, with commas",
        "TIDEMARK_JWT_PUBLIC_KEY",
      ).argParser(commaList),
    )
    .addOption(
      setting("--jwks <url>", "address of the key set that tokens are checked with", "TIDEMARK_JWKS").argParser(
        address,
      ),
    )
    .addOption(
      setting("--jwt-leeway <s>", "how far the clock of whoever signs may differ", "TIDEMARK_JWT_LEEWAY")
        .argParser(wholeNumber(0, LEEWAY_MAX_S))
        .default(LIMITS.tokenLeewayMs / 1_000),
    )
    .addOption(
      setting("--jwt-ttl-max <s>", "refuse tokens that have more time left", "TIDEMARK_JWT_TTL_MAX")
        .argParser(wholeNumber(1, TTL_MAX_S))
        .default(LIMITS.tokenLifetimeMaxMs / 1_000),
    );
}

/** Which tokens a server accepts; undefined: none were spoken of. Throws OperatorError. */
export function jwtOptions(flags: JwtFlags): JwtOptions | undefined {
  const { jwtPublicKey = [], jwks, jwtIssuer, jwtAudience } = flags;
  const secrets = secretsOf(flags);
  if (secrets.length === 0 && jwtPublicKey.length === 0 && jwks === undefined) {
    if (jwtIssuer === undefined && jwtAudience === undefined) return undefined;
  }
  return {
    secrets,
    publicKeys: jwtPublicKey.map((file) => textOf("--jwt-public-key", file)),
    leewayMs: flags.jwtLeeway * 1_000,
    lifetimeMaxMs: flags.jwtTtlMax * 1_000,
    ...(jwks === undefined ? {} : { jwks }),
    ...(jwtIssuer === undefined ? {} : { issuers: jwtIssuer }),
    ...(jwtAudience === undefined ? {} : { audiences: jwtAudience }),
  };
}

/** The secrets, one a line: the first signs, all are accepted. None: empty. Throws OperatorError. */
export function secretsOf({ jwtSecret }: SecretFlags): readonly string[] {
  const text = jwtSecret === undefined ? process.env[SECRET_VARIABLE] : textOf("--jwt-secret", jwtSecret);
  // A key in PEM has lines; what it is said to be is for the auth room to refuse.
  if (text?.includes("-----BEGIN") === true) return [text];
  return (text ?? "").split(/\r?\n/).filter((line) => line !== "");
}

/** The text of a file with a key. It never says what it was given: that may be the key itself. */
export function textOf(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    const hint = `${flag} takes the name of a file; keys and secrets do not belong on a command line.`;
    throw new OperatorError("auth_invalid", `the file of ${flag} cannot be read${code}`, hint);
  }
}

function commaList(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.every((part) => part !== "")) return parts;
  throw new InvalidArgumentError("It must be names with commas between them.");
}

function address(text: string): string {
  if (URL.canParse(text)) return text;
  throw new InvalidArgumentError("It must be an address such as https://issuer.example/jwks.json.");
}
