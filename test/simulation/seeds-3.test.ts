// Seeds 1001 to 1500 of the simulation, each judged as a whole.
import { describe } from "vitest";
import { declareSeeds } from "./seeds.js";

describe("[R1] [R2] [R3] [R4] [R5] [R6] [R7] [R8] [R9] [R13] [R17] [R18] [R19] [R20] under seeded faults", () => {
  declareSeeds(1001, 500);
});
