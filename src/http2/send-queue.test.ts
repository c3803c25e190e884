import * as fc from "fast-check";
import { expect, it } from "vitest";
import { SendQueue } from "./send-queue.ts";

it("gives back what was put in, however it was cut", () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 5000 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(lengths, lengths, (puts, takes) => {
      const queue = new SendQueue();
      const expected: number[] = [];
      const received: number[] = [];
      let byte = 0;
      const rounds = Math.max(puts.length, takes.length);
      for (let round = 0; round < rounds; round++) {
        const bytes = Buffer.from(Array.from({ length: puts[round] ?? 0 }, () => byte++ & 255));
        if (bytes.length > 2) queue.append(Buffer.concat([Buffer.from("?"), bytes]), 1, bytes.length + 1);
        else if (bytes.length > 0) queue.append(bytes, 0, bytes.length);
        expected.push(...bytes);
        // The caller's bytes are its own again.
        bytes.fill(0xff);
        const count = Math.min(queue.length, takes[round] ?? 0);
        const target = Buffer.alloc(count + 2, 0xee);
        queue.moveTo(target, 1, count);
        received.push(...target.subarray(1, count + 1));
        expect([target[0], target[count + 1]]).toEqual([0xee, 0xee]);
        expect(queue.length).toBe(expected.length - received.length);
      }
      const rest = Buffer.alloc(queue.length);
      queue.moveTo(rest, 0, rest.length);
      expect(Buffer.from([...received, ...rest]).equals(Buffer.from(expected))).toBe(true);
    }),
  );
});

it("is empty after it was cleared", () => {
  const queue = new SendQueue();
  queue.append(Buffer.from("abc"), 0, 3);
  queue.clear();
  expect(queue.length).toBe(0);
  queue.append(Buffer.from("xyz"), 0, 3);
  const target = Buffer.alloc(3);
  queue.moveTo(target, 0, 3);
  expect(target.toString()).toBe("xyz");
});
