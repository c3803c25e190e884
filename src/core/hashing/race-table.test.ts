import { expect, it } from "vitest";
import { RaceTable } from "./race-table.ts";

it("holds each owner's places by its name alone", () => {
  const list = Array.from({ length: 40 }, (_, index) => `server-${index}`);
  const table = new RaceTable(list, new Int32Array(40).fill(12));
  const reversed = new RaceTable(list.toReversed(), new Int32Array(40).fill(12));
  expect(table.owners.length).toBe(480);
  expect(table.starts.length).toBe(513);
  for (let place = 0; place < 512; place++) {
    const at = (race: RaceTable) => [...race.owners.subarray(race.starts[place], race.starts[place + 1])];
    expect(
      at(reversed)
        .map((owner) => 39 - owner)
        .sort(),
    ).toEqual(at(table).sort());
  }
});

it("draws all places about equally often", () => {
  const table = new RaceTable(["a", "b"], Int32Array.of(8, 8));
  const counts = Array.from({ length: 16 }, () => 0);
  for (let key = 0; key < 4000; key++) {
    for (let draw = 0; draw < 4; draw++) {
      const place = table.place(key, draw);
      counts[place] = (counts[place] as number) + 1;
    }
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
