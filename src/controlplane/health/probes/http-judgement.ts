import { LOAD_REPORT_FIELD, reportedUtilisation } from "../../../core/balancing/load-report.ts";
import { unmetCondition, valueAtPath } from "../../../core/health/json-conditions.ts";
import type { ProbeResult } from "../../../core/health/probe.ts";
import type { ResponseHead } from "../../../http1/response-head.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { HttpPlan } from "./http-settings.ts";
import { degraded, healthy, quoted, unhealthy } from "./outcome.ts";
import { isInRanges, rangesText } from "./status-ranges.ts";

/** The result that the status alone decides: one that is not expected. */
export function judgeStatus(plan: HttpPlan, head: ResponseHead): ProbeResult | undefined {
  const { status } = head;
  if (isInRanges(status, plan.expected) || isInRanges(status, plan.degraded)) return undefined;
  return unhealthy(`status ${status}, expected ${rangesText(plan.expected)}`, { status });
}

/** Whether the body has to be read to judge an answer with that head. */
export function needsBody(plan: HttpPlan, head: ResponseHead): boolean {
  if (plan.settings.body !== undefined || plan.pattern !== undefined) return true;
  return mustBeJson(plan) || (plan.degradedWhen.length > 0 && saysJson(head));
}

/** The result for an answer whose status is accepted, and whose body has been read if it is needed. */
export function judgeAnswer(plan: HttpPlan, answer: HttpAnswer): ProbeResult {
  const { head } = answer;
  const { status } = head;
  const body = needsBody(plan, head) ? answer.body.toString("utf8") : "";
  const mismatch = judgeText(plan, body, answer.tooLong);
  if (mismatch !== undefined) return unhealthy(mismatch, { status });
  const json = readJson(plan, answer, body);
  if (typeof json === "string") return unhealthy(json, { status });
  for (const condition of plan.json) {
    const reason = unmetCondition(condition, json?.value);
    if (reason !== undefined) return unhealthy(reason, { status });
  }
  const utilisation = utilisationOf(plan, head, json?.value);
  const reason = degradation(plan, head, json?.value);
  const result = reason === undefined ? healthy({ status }) : degraded(reason, { status });
  return utilisation === undefined ? result : { ...result, utilisation };
}

function judgeText(plan: HttpPlan, body: string, tooLong: boolean): string | undefined {
  const wanted = plan.settings.body;
  const where = tooLong ? `the first ${plan.settings.maxBody} bytes of the body` : "the body";
  if (wanted !== undefined && !body.includes(wanted))
    return `${where} ${tooLong ? "do" : "does"} not hold ${quoted(wanted)}`;
  if (plan.pattern !== undefined && !plan.pattern.test(body))
    return `${where} ${tooLong ? "do" : "does"} not match ${plan.pattern.source}`;
  return undefined;
}

function mustBeJson(plan: HttpPlan): boolean {
  return plan.json.length > 0 || plan.utilisation !== undefined;
}

/** The parsed body; undefined when nothing wants it or it need not be JSON; a reason when it should be JSON and is not. */
function readJson(plan: HttpPlan, answer: HttpAnswer, body: string): { readonly value: unknown } | string | undefined {
  const required = mustBeJson(plan);
  if (!required && !(plan.degradedWhen.length > 0 && saysJson(answer.head))) return undefined;
  if (answer.tooLong)
    return required ? `the body has more than ${plan.settings.maxBody} bytes (\`maxBody\`)` : undefined;
  try {
    return { value: JSON.parse(body) as unknown };
  } catch {
    return required ? `the body is not JSON: ${quoted(body.slice(0, 100))}` : undefined;
  }
}

function degradation(plan: HttpPlan, head: ResponseHead, json: unknown): string | undefined {
  if (isInRanges(head.status, plan.degraded)) return `status ${head.status}`;
  if (plan.degradedHeader !== undefined && head.get(plan.degradedHeader) !== undefined) {
    return `the answer has ${plan.degradedHeader}`;
  }
  if (json === undefined) return undefined;
  return plan.degradedWhen.find((condition) => unmetCondition(condition, json) === undefined)?.text;
}

function utilisationOf(plan: HttpPlan, head: ResponseHead, json: unknown): number | undefined {
  const found = plan.utilisation === undefined ? undefined : valueAtPath(json, plan.utilisation);
  if (typeof found === "number" && found >= 0 && Number.isFinite(found)) {
    return plan.settings.utilisationUnit === "percent" ? found / 100 : found;
  }
  const report = head.get(LOAD_REPORT_FIELD);
  return report === undefined ? undefined : reportedUtilisation(report);
}

/** application/json, application/health+json and the like. */
function saysJson(head: ResponseHead): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(head.get("content-type") ?? "");
}
