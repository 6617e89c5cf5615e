// `tidemark token`: a signed token for somebody, to try things with or to hand out from a script.
import type { JsonObject } from "@tidemark/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Grant } from "../document/grants.js";
import { describeCommand } from "./command.js";
import { UsageError } from "./exit.js";
import { setting, wholeNumber } from "./flags.js";
import { collected, grant } from "./grant-flag.js";
import { parseJsonArgument } from "./json-argument.js";
import { addSecretFlags, type SecretFlags, secretsOf, textOf } from "./jwt-flags.js";
import { Output } from "./output.js";

interface TokenFlags extends SecretFlags {
  readonly sub: string;
  readonly grant: readonly Grant[];
  readonly role: readonly string[];
  readonly claims?: JsonObject;
  readonly space?: string;
  readonly ttl: number;
  readonly jwtPrivateKey?: string;
  readonly json?: true;
}

const TTL_S = 300;
const TTL_MAX_S = 86_400;
/** Claims that have flags of their own, or that the command decides. */
const NAMED = ["sub", "exp", "nbf", "iat", "jti", "iss", "aud", "roles", "grants", "space"];

/** Describes `token`. */
export function tokenCommand(): Command {
  const command = describeCommand("token", "Sign a token for somebody, with the secret or a private key", [
    {
      does: "for ann, five minutes long, to read all boards and write to one",
      type: "tidemark token --sub ann --grant 'board/*=open' --grant board/42=open,call --jwt-secret secret.txt",
    },
    {
      does: "for a service, by a private key whose public half the server has",
      type: "tidemark token --sub jobs --role service --ttl 3600 --jwt-private-key private.pem",
    },
  ]);
  return addSecretFlags(command)
    .addOption(
      setting(
        "--jwt-private-key <file>",
        "file with a private key in PEM, instead of a secret",
        "TIDEMARK_JWT_PRIVATE_KEY",
      ),
    )
    .requiredOption("--sub <id>", "whom the token is for")
    .addOption(
      new Option("--grant <grant>", "what it allows besides the rules of the types, as type/key=open,call; repeatable")
        .argParser(collected(grant))
        .default([], "none"),
    )
    .addOption(new Option("--role <role>", "a role; repeatable").argParser(collected(String)).default([], "none"))
    .addOption(new Option("--claims <json>", "further claims, as a JSON object").argParser(claims))
    .option("--space <space>", "the tenant")
    .addOption(new Option("--ttl <s>", "how long it is valid").argParser(wholeNumber(1, TTL_MAX_S)).default(TTL_S))
    .action(token);
}

async function token(flags: TokenFlags): Promise<void> {
  const { sub, role, grant: grants, space, ttl, jwtIssuer, jwtAudience } = flags;
  // Commands that do not sign start faster without it.
  const { signToken } = await import("../auth/sign-token.js");
  const { systemRuntime } = await import("../runtime/system-runtime.js");
  const content = {
    ...{ sub, space, claims: flags.claims, ttlMs: ttl * 1_000 },
    grants: grants.length === 0 ? undefined : grants,
    roles: role.length === 0 ? undefined : role,
    issuer: jwtIssuer?.[0],
    audience: jwtAudience?.[0],
  };
  const signed = await signToken(signingKey(flags), content, systemRuntime);
  new Output({ json: flags.json === true }).result(signed, { token: signed });
}

function signingKey(flags: TokenFlags): { readonly secret: string } | { readonly privateKey: string } {
  if (flags.jwtPrivateKey !== undefined) return { privateKey: textOf("--jwt-private-key", flags.jwtPrivateKey) };
  const [secret] = secretsOf(flags);
  if (secret !== undefined) return { secret };
  const hint = "Add --jwt-secret <file>, or --jwt-private-key <file>, or set TIDEMARK_JWT_SECRET.";
  throw new UsageError("there is nothing to sign with", hint);
}

function claims(text: string): JsonObject {
  const value = parseJsonArgument("--claims", text);
  if (!isObject(value)) throw new InvalidArgumentError("It must be a JSON object.");
  const taken = NAMED.find((name) => Object.hasOwn(value, name));
  if (taken !== undefined) throw new InvalidArgumentError(`\`${taken}\` is not for --claims to say.`);
  return value;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
