import type { Log, LogLevel } from "../controlplane/log.ts";

const grey = "\u001b[90m";
const colours: Readonly<Record<LogLevel, string>> = { debug: grey, info: "", warn: "\u001b[33m", error: "\u001b[31m" };
const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Writes lines such as `2026-11-21T15:00:00.000Z warn …` to stderr; colours only on a terminal without NO_COLOR. */
export function consoleLog(lowest: LogLevel = "info"): Log {
  const coloured = process.stderr.isTTY && !process.env["NO_COLOR"];
  return (level, message) => {
    if (order.indexOf(level) < order.indexOf(lowest)) return;
    const line = `${new Date().toISOString()} ${level.padEnd(5)} ${message}`;
    process.stderr.write(coloured && colours[level] !== "" ? `${colours[level]}${line}\u001b[0m\n` : `${line}\n`);
  };
}
