import { Option, type Command } from "commander";
import { loadConfigObject } from "../config/load.ts";
import { formatProblem, hasErrors } from "../config/problem.ts";
import { builtIn } from "../main/built-in.ts";
import { consoleLog } from "../main/console-log.ts";
import { runProgram } from "../main/program.ts";
import { EXIT } from "./exit-codes.ts";
import { UsageError } from "./failure.ts";

interface ProxyOptions {
  readonly listen: string[];
  readonly server: string[];
  readonly algorithm?: string;
  readonly workers: string;
  readonly admin: string;
  readonly protocol: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly verbose?: boolean;
}

const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];

/** Adds `evenkeel proxy`: a balancer without a file. */
export function registerProxy(program: Command): void {
  program
    .command("proxy")
    .description("run without a file: addresses and servers as options")
    .requiredOption("--listen <address>", "host:port, [v6]:port, :port or unix:/path; may be repeated", collect)
    .requiredOption("--server <address>", "host:port, [v6]:port or unix:/path; may be repeated", collect)
    .option("--algorithm <name>", "how a server is chosen (default: weighted_round_robin)")
    .option("--workers <number>", "data-plane threads", "auto")
    .option("--admin <address>", "address of the REST interface, or off", "127.0.0.1:9900")
    .addOption(new Option("--protocol <protocol>", "what is balanced").choices(["http", "tcp", "udp"]).default("http"))
    .option("--tls-cert <file>", "certificate chain (PEM), with --tls-key")
    .option("--tls-key <file>", "private key (PEM)")
    .option("--verbose", "write debug lines to the log as well")
    .action(proxy);
}

async function proxy(options: ProxyOptions): Promise<void> {
  if (options.protocol !== "http")
    throw new UsageError(`--protocol ${options.protocol} is not available in this version yet`);
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key are only possible together");
  }
  const loaded = await loadConfigObject(proxyConfig(options), process.cwd(), builtIn);
  if (hasErrors(loaded.problems)) {
    throw new UsageError(loaded.problems.map((problem) => optionOf(formatProblem(problem))).join("\n"));
  }
  const log = consoleLog(options.verbose ? "debug" : "info");
  // A warning about a certificate matters; that nothing else stands in a configuration that nobody wrote does not.
  for (const { path, message } of loaded.problems) {
    if (path.startsWith("listeners.web.tls.")) log("warn", optionOf(`${path}: ${message}`));
  }
  await runProgram({ loaded, log });
  process.exit(EXIT.OK);
}

/** The configuration that the options mean: one listener `web`, one pool `web`. The admin token comes from EVENKEEL_TOKEN. */
export function proxyConfig(options: ProxyOptions, token = process.env["EVENKEEL_TOKEN"]) {
  const { listen, server, algorithm, workers, admin, tlsCert: cert, tlsKey: key } = options;
  const tls = cert === undefined || key === undefined ? {} : { tls: { certificates: [{ cert, key }] } };
  return {
    workers: /^\d+$/.test(workers) ? Number(workers) : workers,
    admin: admin === "off" ? "off" : { listen: admin, ...(token ? { token } : {}) },
    listeners: { web: { listen, pool: "web", ...tls } },
    pools: { web: { servers: server, ...(algorithm === undefined ? {} : { algorithm }) } },
  };
}

const options: readonly (readonly [RegExp, string])[] = [
  [/^listeners\.web\.listen(?:\[\d+\])?/, "--listen"],
  [/^listeners\.web\.tls\.certificates\[0\]\.cert/, "--tls-cert"],
  [/^listeners\.web\.tls\.certificates\[0\]\.key/, "--tls-key"],
  [/^pools\.web\.servers\[\d+\](?:\.address)?/, "--server"],
  [/^pools\.web\.algorithm(?:\.name)?/, "--algorithm"],
  [/^workers/, "--workers"],
  [/^admin(?:\.listen)?/, "--admin"],
];

/** A problem's line with the option that it is about instead of the place in a configuration that nobody wrote. */
function optionOf(line: string): string {
  const found = options.find(([pattern]) => pattern.test(line));
  const text = found === undefined ? line : line.replace(found[0], found[1]);
  return /a token is required/.test(text) ? `${text}; set EVENKEEL_TOKEN` : text;
}
