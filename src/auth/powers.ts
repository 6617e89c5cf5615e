// What somebody may do about other people's tokens: make connect tokens, or revoke. It knows nothing of documents.
import { TidemarkError } from "@tidemark/protocol";
import type { Identified } from "../session/identity.js";
import type { Power } from "./credential-store.js";

/** Throws TidemarkError `denied` unless they may: services, and of API keys those that were made with that power. */
export function requirePower({ principal, powers }: Identified, power: Power): void {
  const has = powers === undefined ? principal.roles.includes("service") : powers.includes(power);
  if (!has) throw new TidemarkError("denied");
}
