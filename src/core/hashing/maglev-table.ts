import { hashString } from "./hash.ts";

/**
 * Fills a Maglev lookup table: every entry is the index of an owner, and each owner's number of entries is in
 * proportion to its weight. Each owner has its own permutation of the entries, by its name, and they take turns at
 * the next free entry of their permutation; an owner of half the greatest weight has half as many turns.
 *
 * Takes about size × ln(size) steps. The turns are kept in one queue per round, so that owners with small weights
 * cost nothing in the rounds in which they have no turn.
 *
 * @param names names of the owners, at least one; the result depends on them, not on their order
 * @param weights finite and above 0
 * @param size a prime, at least the number of owners (100 times as many for an even split)
 *
 * Sources: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4;
 * for the weights Envoy, maglev_lb.cc.
 */
export function buildMaglevTable(names: readonly string[], weights: Float64Array, size: number): Int32Array {
  const table = new Int32Array(size).fill(-1);
  const owners = Int32Array.from(names.keys()).sort((a, b) => ((names[a] as string) < (names[b] as string) ? -1 : 1));
  const most = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const offset = new Float64Array(names.length);
  const skip = new Float64Array(names.length);
  const turns = new Int32Array(names.length);
  // Queues of the rounds as linked lists: head and tail by round, next by owner.
  const head = new Int32Array(size + 1).fill(-1);
  const tail = new Int32Array(size + 1).fill(-1);
  const next = new Int32Array(names.length);
  const enqueue = (owner: number, round: number) => {
    if (round > size) return;
    next[owner] = -1;
    if (head[round] === -1) head[round] = owner;
    else next[tail[round] as number] = owner;
    tail[round] = owner;
  };
  for (const owner of owners) {
    offset[owner] = hashString(names[owner] as string, 3) % size;
    skip[owner] = (hashString(names[owner] as string, 4) % (size - 1)) + 1;
    enqueue(owner, 0);
  }
  let filled = 0;
  for (let round = 0; ; round++) {
    let owner = head[round] as number;
    while (owner >= 0) {
      const following = next[owner] as number;
      let place = offset[owner] as number;
      const stride = skip[owner] as number;
      while ((table[place] as number) >= 0) {
        place += stride;
        if (place >= size) place -= size;
      }
      table[place] = owner;
      if (++filled === size) return table;
      offset[owner] = place;
      const taken = (turns[owner] = (turns[owner] as number) + 1);
      enqueue(owner, Math.ceil((taken * most) / (weights[owner] as number)));
      owner = following;
    }
  }
}

/** The least prime that is at least `minimum`. */
export function primeFrom(minimum: number): number {
  let candidate = Math.max(2, Math.ceil(minimum));
  while (!isPrime(candidate)) candidate++;
  return candidate;
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}
