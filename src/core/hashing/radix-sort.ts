/** Bits per pass: 2,048 counters fit the fastest cache. */
const digitBits = 11;
const digits = 1 << digitBits;

/**
 * Sorts keys in place, and their values along with them; equal keys keep their order. Radix sort in three passes:
 * O(n).
 */
export function sortByKey(keys: Uint32Array, values: Int32Array): void {
  let fromKeys = keys;
  let fromValues = values;
  let toKeys: Uint32Array = new Uint32Array(keys.length);
  let toValues: Int32Array = new Int32Array(keys.length);
  const places = new Uint32Array(digits);
  for (let shift = 0; shift < 32; shift += digitBits) {
    places.fill(0);
    for (let index = 0; index < fromKeys.length; index++) {
      const digit = ((fromKeys[index] as number) >>> shift) & (digits - 1);
      places[digit] = (places[digit] as number) + 1;
    }
    let sum = 0;
    for (let digit = 0; digit < digits; digit++) {
      const count = places[digit] as number;
      places[digit] = sum;
      sum += count;
    }
    for (let index = 0; index < fromKeys.length; index++) {
      const key = fromKeys[index] as number;
      const digit = (key >>> shift) & (digits - 1);
      const place = places[digit] as number;
      places[digit] = place + 1;
      toKeys[place] = key;
      toValues[place] = fromValues[index] as number;
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [fromValues, toValues] = [toValues, fromValues];
  }
  // Three passes end in the other pair of arrays.
  keys.set(fromKeys);
  values.set(fromValues);
}
