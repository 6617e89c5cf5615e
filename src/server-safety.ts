// Settings that together would let in, or show, what they should not. A server refuses to start with them unless it is told,
// by name, that they are meant. Rules only; it changes nothing.
import { realpathSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { OperatorError } from "@tidemark/protocol";
import type { CertificateFiles } from "./http/certificate.js";
import { isLoopback } from "./session/origins.js";

/** What may be meant. */
export const RISKS = ["plain-http", "any-proxy", "shown-files"] as const;
export type Risk = (typeof RISKS)[number];

/** The settings that are looked at. */
export interface SafetySettings {
  readonly host: string;
  readonly data: string;
  readonly origins: readonly string[];
  readonly devTokens: boolean;
  readonly staticDir: string | undefined;
  readonly tls?: CertificateFiles | undefined;
  readonly trustProxy?: readonly string[];
  /** Risks that are meant. */
  readonly allow?: readonly Risk[];
}

/** Why not, and what to do instead. */
interface Objection {
  readonly why: string;
  readonly instead: string;
}

const RULES: { readonly [Name in Risk]: (settings: SafetySettings) => Objection | undefined } = {
  "plain-http": ({ host, tls, trustProxy = [] }) =>
    isOwnMachine(host) || tls !== undefined || trustProxy.length > 0
      ? undefined
      : {
          why: `tokens would cross the network in the clear: ${host} is not this machine, and there is no TLS`,
          instead: "Give --tls-cert and --tls-key; or, behind a proxy that ends TLS, its address with --trust-proxy.",
        },
  "any-proxy": ({ trustProxy = [] }) => {
    const [everybody] = trustProxy.filter((network) => /\/0+$/.test(network));
    return everybody === undefined
      ? undefined
      : {
          why: `--trust-proxy ${everybody} believes everybody about where requests come from`,
          instead: "Name the addresses of your proxies only.",
        };
  },
  "shown-files": ({ staticDir, data, tls }) => {
    const [shown] = [data, tls?.key].filter((file) => file !== undefined && isIn(staticDir, file));
    return shown === undefined
      ? undefined
      : { why: `anybody could download ${shown}: it is in the folder of --static`, instead: "Keep it elsewhere." };
  },
};

/** Throws OperatorError `unsafe_settings` that names the first risk which is not meant. */
export function requireSafe(settings: SafetySettings): void {
  if (settings.devTokens && settings.origins.includes("*")) {
    const why =
      "any page that somebody here looks at could act as anybody: every origin, and tokens that anybody may make up";
    throw new OperatorError("unsafe_settings", why, "Name the origins of your pages with --origins.");
  }
  for (const risk of RISKS) {
    const objection = settings.allow?.includes(risk) === true ? undefined : RULES[risk](settings);
    if (objection === undefined) continue;
    const hint = `${objection.instead} If it is meant: --allow-unsafe ${risk}.`;
    throw new OperatorError("unsafe_settings", objection.why, hint);
  }
}

const isOwnMachine = (host: string): boolean => host === "localhost" || isLoopback(host);

function isIn(folder: string | undefined, file: string): boolean {
  if (folder === undefined) return false;
  const path = relative(real(folder), real(file));
  return path !== "" && path !== ".." && !path.startsWith(`..${sep}`) && resolve(path) !== path;
}

/** Where a file is or will be, links followed. */
function real(file: string): string {
  const path = resolve(file);
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : resolve(real(dirname(path)), relative(dirname(path), path));
  }
}
