import { expect, it } from "vitest";
import { Places } from "./places.ts";

const never = new AbortController().signal;

it("lets so many in at a time, and the others in their order", async () => {
  const places = new Places(2);
  const order: number[] = [];
  const all = [1, 2, 3, 4].map(async (number) => {
    await places.take(never);
    order.push(number);
  });
  await Promise.all(all.slice(0, 2));
  expect(order).toEqual([1, 2]);
  places.give();
  await all[2];
  expect(order).toEqual([1, 2, 3]);
  places.give();
  await all[3];
  places.give();
  places.give();
  await Promise.all([places.take(never), places.take(never)]);
});

it("lets those go who do not want to wait any longer", async () => {
  const places = new Places(1);
  await places.take(never);
  const controller = new AbortController();
  const gone = places.take(controller.signal);
  const next = places.take(never);
  controller.abort();
  await expect(gone).rejects.toThrow("cancelled");
  await expect(places.take(controller.signal)).rejects.toThrow("cancelled");
  places.give();
  await next;
});
