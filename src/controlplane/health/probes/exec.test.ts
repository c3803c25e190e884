import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { MAX_COMMANDS } from "./command.ts";
import { exec } from "./exec.ts";
import { check, contextFor, on, settingsOf } from "./peer.fixture.ts";

const shell = (script: string, more: object = {}) => ({ type: "exec", command: ["/bin/sh", "-c", script], ...more });
const target = on(8080);

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "exec-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** True while a process of that id runs; one that waits to be collected does not. */
async function isAlive(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "x) Z");
  return !/\) [ZX]/.test(stat);
}

describe("exec", () => {
  it.each<[string, object, string, string?]>([
    ["exit 0", {}, "healthy"],
    ["echo all well", {}, "healthy"],
    ["exit 1", {}, "unhealthy", "exit code 1"],
    ["echo; echo '  disk full '; echo more; exit 2", {}, "unhealthy", "disk full"],
    ["echo broken >&2; exit 3", {}, "unhealthy", "broken"],
    ["echo WARNING; exit 1", { degradedExitCodes: [1] }, "degraded", "WARNING"],
    ["exit 2", { degradedExitCodes: [1] }, "unhealthy", "exit code 2"],
    ["kill -TERM $$", {}, "unhealthy", "ended by SIGTERM"],
    ["printf 'a\\033[31mred\\n'; exit 1", {}, "unhealthy", "a [31mred"],
  ])("%s with %j", async (script, more, outcome, reason) => {
    const result = await check(shell(script, more), target);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("tells the output of a good one, and the exit code of another", async () => {
    expect((await check(shell("echo v 1; echo 2"), target)).details).toEqual({ output: "v 1" });
    expect((await check(shell("exit 7"), target)).details).toEqual({ exitCode: 7 });
  });

  it("gives it the server and little else", async () => {
    process.env.EVENKEEL_TEST_SECRET = "hunter2";
    onTestFinished(() => void delete process.env.EVENKEEL_TEST_SECRET);
    const { details } = await check(shell("env | sort | tr '\\n' ' '", { env: { TOKEN: "t" } }), on(8080, "::1"));
    const output = String(details!.output);
    expect(output).toContain(
      "EVENKEEL_POOL=web EVENKEEL_SERVER_ADDRESS=[::1]:8080 EVENKEEL_SERVER_HOST=::1 EVENKEEL_SERVER_ID=a EVENKEEL_SERVER_PORT=8080",
    );
    expect(output).not.toContain("hunter2");
    const { reason } = await check(shell("echo $TOKEN; exit 1", { env: { TOKEN: "t" } }), target);
    expect(reason).toBe("t");
  });

  it("takes arguments as they are: no shell is involved", async () => {
    const { details } = await check({ type: "exec", command: ["/bin/echo", "$HOME;", "a  b", "*"] }, target);
    expect(details).toEqual({ output: "$HOME; a  b *" });
  });

  it("ends the whole group when the time is over", async () => {
    const folder = await scratch();
    const pids = join(folder, "pids");
    const script = `sleep 100 & echo $! > ${pids}; echo busy; wait`;
    const result = await check(shell(script), target, 1000);
    expect(result).toMatchObject({ outcome: "unhealthy", reason: "no end within 1 s: busy" });
    const child = (await readFile(pids, "utf8")).trim();
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("ends what a command leaves behind", async () => {
    const folder = await scratch();
    const pids = join(folder, "pids");
    const started = performance.now();
    expect(await check(shell(`sleep 100 & echo $! > ${pids}; exit 0`), target)).toMatchObject({ outcome: "healthy" });
    expect(performance.now() - started).toBeLessThan(4000);
    const child = (await readFile(pids, "utf8")).trim();
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("is over in time even when a descendant has left the group and holds the output", async () => {
    const folder = await scratch();
    const pids = join(folder, "pids");
    onTestFinished(async () => {
      const pid = Number(await readFile(pids, "utf8").catch(() => "0"));
      if (pid > 1) process.kill(pid, "SIGKILL");
    });
    // The command waits until the descendant has left, then ends well; its result counts.
    const script = `setsid sh -c 'echo $$ > ${pids}; exec sleep 100' & while [ ! -s ${pids} ]; do :; done; exit 0`;
    expect(await check(shell(script), target, 1000)).toMatchObject({ outcome: "healthy" });
  });

  it("keeps a bounded part of the output", async () => {
    const { reason } = await check(shell("head -c 1000000 /dev/zero | tr '\\0' x; exit 1"), target);
    expect(reason).toMatch(/^x{199}…$/);
  });

  it("rejects when the command cannot be run: that is not the server's fault", async () => {
    await expect(check({ type: "exec", command: ["/no/such/program"] }, target)).rejects.toThrow(
      /^cannot run \/no\/such\/program: .*ENOENT/,
    );
  });

  it(`runs at most ${MAX_COMMANDS} at a time, the others in their turn`, async () => {
    const folder = await scratch();
    const go = join(folder, "go");
    const settings = settingsOf(
      shell(`echo x >> ${folder}/started; while [ ! -e ${go} ]; do sleep 0.02; done`),
    ).settings;
    const started = async (): Promise<number> =>
      (await readFile(`${folder}/started`, "utf8").catch(() => "")).length / 2;
    const abort = new AbortController();
    const run = (signal: AbortSignal) => exec.run(target, settings as never, contextFor(signal));
    const running = Array.from({ length: MAX_COMMANDS }, () => run(abort.signal));
    await expect.poll(started, { timeout: 10_000 }).toBe(MAX_COMMANDS);

    const late = new AbortController();
    const given = run(late.signal);
    const patient = run(abort.signal);
    late.abort();
    await expect(given).rejects.toThrow("the command could not be started in time: 16 others are running");
    expect(await started()).toBe(MAX_COMMANDS);

    await writeFile(go, "");
    const results = await Promise.all([...running, patient]);
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: MAX_COMMANDS + 1 }, () => "healthy"));
    expect(await started()).toBe(MAX_COMMANDS + 1);
  });
});

describe("settings", () => {
  it.each<[object, string]>([
    [{}, '"command" is missing'],
    [{ command: [] }, "at least 1 entry"],
    [{ command: "ls -l" }, "must be a list"],
    [{ command: [""] }, "`command` begins with the program"],
    [{ command: ["a"], env: { "A=B": "c" } }, '`env`: "A=B" is not a name of a variable'],
    [{ command: ["a"], degradedExitCodes: [0] }, "from 1 to 255"],
  ])("%j", (settings, text) => {
    expect(settingsOf({ type: "exec", ...settings }).problems.join()).toContain(text);
  });
});
