import { randomBytes } from "node:crypto";
import { createSecureContext } from "node:tls";
import { expect, it } from "vitest";
import { TicketKeys } from "./ticket-keys.ts";

type Callback = (name: Buffer, iv: Buffer, encrypt: boolean) => [number, Buffer, Buffer, Buffer, Buffer];

const part = (key: Buffer, index: number) => key.subarray(index * 16, index * 16 + 16);

it("encrypts with the newest key and a fresh initialisation vector, and decrypts with all", () => {
  const keys = [randomBytes(48), randomBytes(48)] as const;
  const tickets = new TicketKeys();
  tickets.set([...keys, randomBytes(47)]);
  const context = createSecureContext({ ca: [] });
  expect([tickets.length, tickets.serve(context), tickets.newest]).toEqual([2, true, keys[0]]);
  const native = (context as unknown as { context: { onticketkeycallback: Callback } }).context;
  const call = (name: Buffer, encrypt: boolean) => native.onticketkeycallback(name, Buffer.alloc(16, 7), encrypt);
  const [status, hmac, aes, name, iv] = call(Buffer.alloc(16), true);
  expect([status, hmac, aes, name]).toEqual([1, part(keys[0], 1), part(keys[0], 2), part(keys[0], 0)]);
  expect(iv).toHaveLength(16);
  expect([Buffer.alloc(16, 7), call(Buffer.alloc(16), true)[4]]).not.toContainEqual(iv);
  expect(call(part(keys[0], 0), false).slice(0, 3)).toEqual([1, part(keys[0], 1), part(keys[0], 2)]);
  expect(call(part(keys[1], 0), false).slice(0, 3)).toEqual([2, part(keys[1], 1), part(keys[1], 2)]);
  expect(call(randomBytes(16), false)[0]).toBe(0);
  tickets.set([]);
  expect(call(Buffer.alloc(16), true)[0]).toBe(-1);
});
