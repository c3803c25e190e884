import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition, ProbeTarget } from "../../../core/health/probe.ts";
import { addressText } from "./authority.ts";
import { runCommand, type CommandEnd } from "./command.ts";
import { degraded, healthy, inWords, unhealthy } from "./outcome.ts";

interface ExecSettings {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly degradedExitCodes: readonly number[];
}

/** A command of the operator's, whose exit code is the result and whose first line of output is the reason. */
export const exec: ProbeDefinition<ExecSettings> = {
  kind: "probe",
  name: "exec",
  summary: "Runs a command without a shell; exit code 0 is healthy, the first line of output is the reason.",
  schema: Type.Object(
    {
      command: Type.Array(Type.String({ pattern: "^[^\\u0000]*$", maxLength: 4000 }), {
        minItems: 1,
        maxItems: 100,
        description: "program and arguments; no shell is involved",
      }),
      env: Type.Unsafe<Record<string, string>>({
        type: "object",
        additionalProperties: { type: "string", pattern: "^[^\\u0000]*$" },
        default: {},
        description: "further environment variables; of the balancer's own only PATH, HOME, LANG and TZ are passed on",
      }),
      degradedExitCodes: Type.Array(Type.Integer({ minimum: 1, maximum: 255 }), {
        default: [],
        description: "exit codes that mean degraded; [1] for plugins of Nagios, Icinga and Consul",
      }),
    },
    strict,
  ),
  problem({ command, env }) {
    if (command[0] === "") return "`command` begins with the program";
    const wrong = Object.keys(env).find((name) => !/^[A-Za-z_]\w*$/.test(name));
    return wrong === undefined ? undefined : `\`env\`: ${JSON.stringify(wrong)} is not a name of a variable`;
  },
  async run(target, settings, context) {
    if (context.signal.aborted) return unhealthy("the time was over before the check began");
    const end = await runCommand(settings.command, environment(target, settings.env), context.signal);
    const { code, line } = end;
    if (end.aborted) return unhealthy(`no end within ${inWords(context.timeout)}${line === "" ? "" : `: ${line}`}`);
    if (code === 0) return healthy(line === "" ? undefined : { output: line.slice(0, 200) });
    const reason = line === "" ? exitText(end) : line;
    const details = code === null ? undefined : { exitCode: code };
    return code !== null && settings.degradedExitCodes.includes(code)
      ? degraded(reason, details)
      : unhealthy(reason, details);
  },
};

function exitText({ code, signal }: CommandEnd): string {
  return code === null ? `ended by ${signal ?? "a signal"}` : `exit code ${code}`;
}

/** The environment of a command: what it needs to know, and nothing that may be the balancer's secret. */
function environment(target: ProbeTarget, own: ExecSettings["env"]): NodeJS.ProcessEnv {
  const { address } = target;
  const passed = ["PATH", "HOME", "LANG", "TZ"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passed),
    EVENKEEL_SERVER_ADDRESS: addressText(address),
    ...(address.kind === "tcp" && {
      EVENKEEL_SERVER_HOST: address.host,
      EVENKEEL_SERVER_PORT: String(address.port),
    }),
    EVENKEEL_SERVER_ID: target.server,
    EVENKEEL_POOL: target.pool,
    ...own,
  };
}
