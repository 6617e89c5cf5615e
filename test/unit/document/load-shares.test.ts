import { LIMITS, type Principal } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { LoadShares } from "../../../src/document/load-shares.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

let runtime: VirtualRuntime;
let loads: LoadShares;
beforeEach(() => {
  runtime = new VirtualRuntime();
  loads = new LoadShares(runtime);
});

const refusal = (id: string, { space = "", roles = [] }: { space?: string; roles?: string[] } = {}) => {
  const principal: Principal = { id, roles, claims: {} };
  return loads.refusal({ principal, space });
};
const spend = (id: string): void => {
  for (let n = 0; n < LIMITS.documentLoadsBurst; n += 1) expect(refusal(id)).toBeUndefined();
};

describe("loads", () => {
  it("[OPEN-10] [R14] of one principal are bounded, those of others and of other spaces are not touched", () => {
    spend("ann");
    expect(refusal("ann")).toEqual({ code: "rate_limited", afterMs: 1_000 });
    expect([refusal("bob"), refusal("ann", { space: "other" })]).toEqual([undefined, undefined]);
  });

  it("[OPEN-10] [R5] are all refused for a while after one was: what came behind it must not overtake it", async () => {
    spend("ann");
    refusal("ann");
    await runtime.advance(900);
    expect(refusal("ann")).toEqual({ code: "rate_limited", afterMs: 100 });
    await runtime.advance(100);
    for (let n = 0; n < LIMITS.documentLoadsPerSecond; n += 1) expect(refusal("ann")).toBeUndefined();
    expect(refusal("ann")).toEqual({ code: "rate_limited", afterMs: 1_000 });
  });

  it("[OPEN-10] of a service are not counted", () => {
    for (let n = 0; n < LIMITS.documentLoadsBurst + 1_000; n += 1)
      expect(refusal("key:ops", { roles: ["service"] })).toBeUndefined();
  });
});
