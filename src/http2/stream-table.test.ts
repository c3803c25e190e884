import * as fc from "fast-check";
import { expect, it } from "vitest";
import { ReceiveWindow } from "./flow-window.ts";
import { ConnectionStream, type StreamHost } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

const newStream = (id: number): ConnectionStream =>
  new ConnectionStream({} as StreamHost, id, 0, new ReceiveWindow(1, 1));

function list(table: StreamTable): number[] {
  const ids: number[] = [];
  for (let stream = table.first; stream !== null; stream = stream.next) ids.push(stream.id);
  return ids;
}

it("finds what was added and not removed, in the order of opening, like a Map", () => {
  const id = fc.oneof(
    fc.integer({ min: 0, max: 200 }).map((n) => 2 * n + 1),
    fc.integer({ min: 0, max: 0x3fffffff }).map((n) => 2 * n + 1),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 300 }), (steps) => {
      const table = new StreamTable();
      const map = new Map<number, ConnectionStream>();
      for (const [add, key] of steps) {
        const known = map.get(key);
        if (add && known === undefined) {
          const stream = newStream(key);
          table.add(stream);
          map.set(key, stream);
        } else if (!add && known !== undefined) {
          table.remove(known);
          map.delete(key);
        }
      }
      expect(list(table)).toEqual([...map.keys()]);
      for (const [, key] of steps) expect(table.get(key)).toBe(map.get(key));
    }),
    { numRuns: 500 },
  );
});

it("finds a stream that gets its identifier later only from then on", () => {
  const table = new StreamTable();
  const stream = newStream(0);
  table.add(stream);
  expect(table.get(1)).toBeUndefined();
  stream.id = 1;
  table.index(stream);
  expect(table.get(1)).toBe(stream);
  table.remove(stream);
  expect(table.get(1)).toBeUndefined();
  expect(table.first).toBeNull();
});
