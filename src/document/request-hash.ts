// What a call asks, as one number that is kept with its receipt: it only has to show that a client used one id for two
// different calls (R7). Nothing may rest on it that somebody gains by breaking.

/** Stands between name and input; no UTF-16 code unit has this value. */
const SEPARATOR = 0x1_00_00;

/** An integer in [0, 2^53), the same for the same name and input text. */
export function requestHash(name: string, inputJson: string): number {
  let high = 0x9e_37_79_b9 ^ name.length;
  let low = 0x85_eb_ca_6b ^ inputJson.length;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    high = stepHigh(high, unit);
    low = stepLow(low, unit);
  }
  high = stepHigh(high, SEPARATOR);
  low = stepLow(low, SEPARATOR);
  for (let index = 0; index < inputJson.length; index++) {
    const unit = inputJson.charCodeAt(index);
    high = stepHigh(high, unit);
    low = stepLow(low, unit);
  }
  const mixed = avalanche(high ^ (low >>> 15));
  return mixed * 2 ** 21 + (avalanche(low ^ mixed) >>> 11);
}

// Each step is a bijection of its lane for a given unit and of the unit for a given lane: two texts that differ in one
// unit leave both lanes different. The rotation brings what multiplying moved to the top bits back to the bottom.
function stepHigh(lane: number, unit: number): number {
  const product = Math.imul(lane ^ unit, 0xcc_9e_2d_51);
  return (product << 13) | (product >>> 19);
}

function stepLow(lane: number, unit: number): number {
  const product = Math.imul(lane ^ unit, 0x1b_87_35_93);
  return (product << 15) | (product >>> 17);
}

function avalanche(lane: number): number {
  const first = Math.imul(lane ^ (lane >>> 16), 0x85_eb_ca_6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2_b2_ae_35);
  return (second ^ (second >>> 16)) >>> 0;
}
