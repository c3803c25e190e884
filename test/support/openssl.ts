import { spawn } from "node:child_process";
import { within } from "./wait.ts";

/** What a program printed, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  /** stdout and stderr, as they came. */
  readonly output: string;
}

/** Runs a program to its end, with `input` on stdin. `timeout` is in milliseconds. */
export function run(program: string, args: readonly string[], input = "", timeout = 20_000): Promise<Outcome> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString("latin1")));
  child.stderr.on("data", (data: Buffer) => (output += data.toString("latin1")));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
  return within(`${program} ${args.join(" ")}`, ended, timeout);
}

/** OpenSSL as a client: the handshake, and what the server answers to one request without keep-alive. */
export function sClient(port: number, ...args: readonly string[]): Promise<Outcome> {
  const request = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n";
  const all = ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...args];
  return run("openssl", all, request);
}
