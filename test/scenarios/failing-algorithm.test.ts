import { expect, it } from "vitest";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { startRawOrigin, answerOk } from "../support/raw-origin.ts";

const module = `import { defineAlgorithm } from "evenkeel";
export default defineAlgorithm({
  name: "moody", summary: "Throws at every second request.", schema: { type: "object", properties: {} }, usesHashKey: false,
  create() {
    let ready = [], calls = 0;
    return {
      update(set) { ready = set.ready; },
      choose() { if (++calls % 2 === 0) throw new Error("not today"); return ready[0]; },
      onComplete() { throw new Error("nor afterwards"); },
    };
  },
});
`;

it("an own algorithm that throws gives 500 with a code, and nothing stays in flight", async () => {
  const origin = await startRawOrigin(answerOk);
  const evenkeel = await startProxy([origin.address], {
    pool: { algorithm: "moody" },
    top: { modules: ["./moody.mjs"] },
    files: { "moody.mjs": module },
  });
  expect((await fetch(evenkeel.url())).status).toBe(200);
  const failed = await fetch(evenkeel.url());
  expect(failed.status).toBe(500);
  expect(await failed.json()).toMatchObject({ error: { code: "algorithm_failed" } });
  expect((await fetch(evenkeel.url())).status).toBe(200);
  await waitForQuiet(evenkeel);
  expect(evenkeel.log.join("\n")).toContain("not today");
});
