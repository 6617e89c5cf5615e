// The flags about how a server is reached from elsewhere: TLS of its own, proxies in front, and what is meant though it is
// unsafe.
import { type Command, InvalidArgumentError } from "commander";
import type { CertificateFiles } from "../http/certificate.js";
import { RISKS, type Risk } from "../server-safety.js";
import { UsageError } from "./exit.js";
import { setting } from "./flags.js";
import type { ServingManner } from "./serving.js";

/** Flags of `serve`. */
export interface ReachFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trustProxy?: readonly string[];
  readonly allowUnsafe?: readonly Risk[];
}

/** Adds them. */
export function addReachFlags(command: Command): Command {
  return command
    .addOption(
      setting(
        "--tls-cert <file>",
        "certificate in PEM, with those that vouch for it; read again when it changes",
        "TIDEMARK_TLS_CERT",
      ),
    )
    .addOption(setting("--tls-key <file>", "its private key in PEM", "TIDEMARK_TLS_KEY"))
    .addOption(
      setting(
        "--trust-proxy <addresses>",
        "addresses or networks of proxies that are believed about senders, names and TLS, with commas",
        "TIDEMARK_TRUST_PROXY",
      ).argParser(names),
    )
    .addOption(
      setting(
        "--allow-unsafe <names>",
        `settings that are meant though unsafe: ${RISKS.join(", ")}`,
        "TIDEMARK_ALLOW_UNSAFE",
      ).argParser(risks),
    );
}

/** What they come to. Throws UsageError for a certificate without its key. */
export function reachOf(flags: ReachFlags): Pick<ServingManner, "tls" | "trustProxy" | "allow"> {
  const { trustProxy = [], allowUnsafe: allow = [] } = flags;
  return { tls: certificateFiles(flags), trustProxy, allow };
}

function certificateFiles({ tlsCert: cert, tlsKey: key }: ReachFlags): CertificateFiles | undefined {
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  const [given, missing] = cert === undefined ? ["--tls-key", "--tls-cert"] : ["--tls-cert", "--tls-key"];
  throw new UsageError(`${given} without ${missing}`, "A certificate is of no use without its key: give both files.");
}

function names(text: string): readonly string[] {
  const all = text.split(",").map((name) => name.trim());
  if (all.every((name) => name !== "")) return all;
  throw new InvalidArgumentError("It must be names with commas between them.");
}

function risks(text: string): readonly Risk[] {
  return names(text).map((name) => {
    const risk = RISKS.find((one) => one === name);
    if (risk === undefined) throw new InvalidArgumentError(`It must be of ${RISKS.join(", ")}.`);
    return risk;
  });
}
