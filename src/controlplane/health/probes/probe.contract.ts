import { describe, expect, it, onTestFinished } from "vitest";
import { HealthCheckSchema } from "../../../config/pool-parts-schema.ts";
import { schemaNode } from "../../../config/schema-node.ts";
import type { ProbeDefinition, ProbeTarget } from "../../../core/health/probe.ts";
import { check, contextFor, settingsOf, until } from "./peer.fixture.ts";

/** A server of a contract test, and how often it is in use right now (connections, processes); -1 where nobody can know. */
export interface Subject {
  readonly target: ProbeTarget;
  /** Settings besides `type`. */
  readonly settings: Record<string, unknown>;
  readonly open: () => number;
  /** How many checks have reached it. */
  readonly reached: () => number;
}

/** Makes the servers that the contract needs, for one kind of check. They end with the test. */
export interface ProbeSubjects {
  /** One that is as it should be. */
  readonly good: () => Promise<Subject>;
  /** One that takes connections and never answers. */
  readonly silent: () => Promise<Subject>;
  /** One that sends nonsense without an end; undefined where nothing is read. */
  readonly garbage: (() => Promise<Subject>) | undefined;
  /** One that ends the conversation at once; undefined where there is no such thing. */
  readonly closing: (() => Promise<Subject>) | undefined;
  /** One that is not there; undefined where the check does not connect. */
  readonly absent: (() => Promise<Subject>) | undefined;
}

const LOUD = { "x-secret": true } as const;

/** What holds for every kind of health check. */
export function describeProbeContract(probe: ProbeDefinition, subjects: ProbeSubjects): void {
  const settingsFor = (subject: Subject): unknown => {
    const { settings, problems } = settingsOf({ type: probe.name, ...subject.settings });
    expect(problems).toEqual([]);
    return settings;
  };

  describe(`${probe.name} as a health check`, () => {
    it("has a name, a sentence, and settings that are described and get in nobody's way", () => {
      expect(probe.kind).toBe("probe");
      expect(probe.name).toMatch(/^[a-z][a-z0-9]*$/);
      expect(probe.summary).toMatch(/^[A-Z].*\.$/);
      const schema = schemaNode(probe.schema);
      expect(schema.additionalProperties).toBe(false);
      const shared = Object.keys(schemaNode(HealthCheckSchema).properties ?? {});
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        expect([key, property.description]).toEqual([key, expect.stringMatching(/\w/)]);
        expect(shared).not.toContain(key);
        expect(["type", "settings"]).not.toContain(key);
        if (/password|secret/i.test(key)) expect(property).toMatchObject(LOUD);
      }
    });

    it("has settings whose normalised form means the same", async () => {
      const { settings: given } = await subjects.good();
      const { settings, problems } = settingsOf({ type: probe.name, ...given });
      expect(problems).toEqual([]);
      expect(settingsOf({ type: probe.name, settings })).toEqual({ settings, problems: [] });
      expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
    });

    it("finds a good server healthy, also many times at once, and leaves nothing open", async () => {
      const subject = await subjects.good();
      const settings = settingsFor(subject);
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          probe.run(subject.target, settings, contextFor(AbortSignal.timeout(10_000), 10_000)),
        ),
      );
      for (const result of results) expect(result).toMatchObject({ outcome: "healthy" });
      expect(subject.reached()).toBe(20);
      await until("nothing is open", () => subject.open() === 0);
    });

    it("ends when the signal fires, with a reason, and leaves nothing open", async () => {
      const subject = await subjects.silent();
      const abort = new AbortController();
      const running = probe.run(subject.target, settingsFor(subject) as never, contextFor(abort.signal, 1234));
      await until("the check has begun", () => subject.reached() > 0);
      abort.abort();
      const result = await running;
      expect(result).toMatchObject({ outcome: "unhealthy", reason: expect.stringContaining("1234 ms") as string });
      // Something took the connection: nobody may conclude that nothing is there.
      expect(result.unreachable).toBeUndefined();
      await until("nothing is open", () => subject.open() === 0);
    });

    it("begins nothing when the signal has fired before", async () => {
      const subject = await subjects.good();
      const result = await probe.run(subject.target, settingsFor(subject) as never, contextFor(AbortSignal.abort()));
      expect(result).toMatchObject({ outcome: "unhealthy", reason: expect.stringMatching(/\w/) as string });
      expect(subject.reached()).toBe(0);
    });

    it("listens to its signal no longer than it runs", async () => {
      const subject = await subjects.good();
      const abort = new AbortController();
      let listeners = 0;
      const { signal } = abort;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
      signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
      onTestFinished(() => abort.abort());
      await probe.run(subject.target, settingsFor(subject) as never, contextFor(signal));
      expect(listeners).toBe(0);
    });

    const bad = [
      ["nonsense without an end", subjects.garbage],
      ["the end of the conversation", subjects.closing],
    ] as const;
    for (const [what, make] of bad) {
      if (make === undefined) continue;
      it(`takes ${what} for a failure, in one short line`, async () => {
        const subject = await make();
        const result = await check({ type: probe.name, ...subject.settings }, subject.target, 3000);
        expect(result.outcome).toBe("unhealthy");
        expect(result.reason).toMatch(/^[^\p{Cc}]{3,200}$/u);
        await until("nothing is open", () => subject.open() === 0);
      });
    }

    const { absent } = subjects;
    if (absent === undefined) return;
    it("says when nothing is there", async () => {
      const subject = await absent();
      expect(await check({ type: probe.name, ...subject.settings }, subject.target)).toEqual({
        outcome: "unhealthy",
        reason: "connection refused",
        unreachable: true,
      });
    });
  });
}
