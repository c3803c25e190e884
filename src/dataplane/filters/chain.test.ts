import { describe, expect, it } from "vitest";
import type { Filter, FilterDefinition } from "../../core/filtering/filter.ts";
import { compileChain, emptyChain, runRequestHead } from "./chain.ts";
import { fakeExchange, filterDeps } from "./filter.contract.ts";
import { findFilter } from "./registry.ts";

const own =
  (filters: Record<string, Filter>) =>
  (name: string): FilterDefinition | undefined =>
    filters[name] && { kind: "filter", name, summary: "", schema: {}, create: () => filters[name] };
const chainOf = (filters: Record<string, Filter>) =>
  compileChain(
    Object.keys(filters).map((name) => ({ name, settings: {} })),
    own(filters),
    filterDeps,
  );

describe("filter chains", () => {
  it("are empty without filters, and in each phase that no filter has", () => {
    expect(compileChain([], findFilter, filterDeps)).toBe(emptyChain);
    const chain = chainOf({ a: { onResponseHead: () => {} } });
    expect(Object.entries(chain).flatMap(([phase, list]) => (list.length > 0 ? [phase] : []))).toEqual([
      "responseHead",
    ]);
  });

  it("keep the order for the request and turn it round for the answer", () => {
    const calls: string[] = [];
    const note = (name: string): Filter => ({
      onRequestHead: () => void calls.push(`request ${name}`),
      onResponseHead: () => void calls.push(`response ${name}`),
      onComplete: () => void calls.push(`complete ${name}`),
    });
    const chain = chainOf({ a: note("a"), b: note("b") });
    const exchange = fakeExchange();
    expect(runRequestHead(chain, exchange)).toBeUndefined();
    for (const filter of chain.responseHead) filter.onResponseHead(exchange);
    for (const filter of chain.complete) filter.onComplete(exchange, { status: 200, error: undefined, duration: 1 });
    expect(calls).toEqual(["request a", "request b", "response b", "response a", "complete a", "complete b"]);
  });

  it("call filters as methods, so that classes work", () => {
    class Counter implements Filter {
      count = 0;
      onRequestHead(): void {
        this.count++;
      }
    }
    const counter = new Counter();
    runRequestHead(chainOf({ counter }), fakeExchange());
    expect(counter.count).toBe(1);
  });

  it("stop at the first answer, at once or later", async () => {
    const never: Filter = {
      onRequestHead: () => {
        throw new Error("not reached");
      },
    };
    const now = runRequestHead(
      chainOf({ pass: { onRequestHead: () => {} }, now: { onRequestHead: () => ({ status: 403 }) }, never }),
      fakeExchange(),
    );
    expect(now).toEqual({ status: 403 });
    const later = runRequestHead(
      chainOf({
        wait: { onRequestHead: () => Promise.resolve() },
        pass: { onRequestHead: () => {} },
        later: { onRequestHead: async () => ({ status: 401 }) },
        never,
      }),
      fakeExchange(),
    );
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toEqual({ status: 401 });
    expect(
      await runRequestHead(chainOf({ wait: { onRequestHead: () => Promise.resolve() } }), fakeExchange()),
    ).toBeUndefined();
  });

  it("pass on what a filter throws", async () => {
    const broken = new Error("broken");
    const fail = () => {
      throw broken;
    };
    expect(() => runRequestHead(chainOf({ a: { onRequestHead: fail } }), fakeExchange())).toThrow(broken);
    const later = runRequestHead(
      chainOf({ a: { onRequestHead: () => Promise.resolve() }, b: { onRequestHead: fail } }),
      fakeExchange(),
    );
    await expect(later).rejects.toBe(broken);
  });

  it("name the filter that cannot be made", () => {
    expect(() => compileChain([{ name: "nobody", settings: {} }], findFilter, filterDeps)).toThrow(
      "filter nobody: there is no",
    );
    const settings = {
      request: { remove: [], set: { host: "x" }, add: {} },
      response: { remove: [], set: {}, add: {} },
    };
    expect(() => compileChain([{ name: "headers", settings }], findFilter, filterDeps)).toThrow(
      "filter headers: headers.request",
    );
  });
});
