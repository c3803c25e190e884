/** One step into a JSON value: a key of an object or an index of an array. */
export type JsonStep = string | number;

export const jsonOperators = ["==", "!=", "<=", ">=", "<", ">"] as const;
export type JsonOperator = (typeof jsonOperators)[number];

/** A condition on a JSON value, such as `checks.db.connected == true`. */
export interface JsonCondition {
  /** As it was written, for messages. */
  readonly text: string;
  readonly path: readonly JsonStep[];
  readonly operator: JsonOperator;
  readonly value: string | number | boolean | null;
}

/** Longest condition or path, in characters. */
const MAX_LENGTH = 500;
/** Characters of a found value that a reason shows. */
const SHOWN = 60;

/**
 * Reads `path operator value`. A path is a key, then `.key`, `["any key"]` or `[index]` as often as needed; a value is a
 * number, true, false, null or a text in single or double quotes (escapes as in JSON). `<`, `<=`, `>`, `>=` take numbers.
 *
 * @throws Error that says what is wrong and where (counted from 1)
 */
export function parseJsonCondition(text: string): JsonCondition {
  const scanner = new Scanner(text);
  const path = scanner.path();
  scanner.space();
  const operator = scanner.operator();
  scanner.space();
  const value = scanner.value();
  scanner.end();
  if (operator !== "==" && operator !== "!=" && typeof value !== "number") {
    throw new Error(`\`${operator}\` compares numbers only; use == or !=`);
  }
  return { text: text.trim(), path, operator, value };
}

/** Reads a path alone, as at the beginning of a condition. Throws as `parseJsonCondition` does. */
export function parseJsonPath(text: string): readonly JsonStep[] {
  const scanner = new Scanner(text);
  const path = scanner.path();
  scanner.end();
  return path;
}

/** The value that the path leads to, or undefined when it leads nowhere. Inherited properties do not count. */
export function valueAtPath(json: unknown, path: readonly JsonStep[]): unknown {
  let here = json;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    if ((typeof step === "number") !== Array.isArray(here)) return undefined;
    if (!Object.hasOwn(here, step)) return undefined;
    here = (here as Record<JsonStep, unknown>)[step];
  }
  return here;
}

/**
 * Why the condition does not hold for that JSON value, in one line; undefined when it holds. Types are not converted:
 * the text "95" is no number. A path that leads nowhere fulfils no condition, not even `!=`.
 */
export function unmetCondition(condition: JsonCondition, json: unknown): string | undefined {
  const found = valueAtPath(json, condition.path);
  if (found !== undefined && holds(condition, found)) return undefined;
  const { operator, value } = condition;
  const wanted = `${operator === "==" ? "" : `${operator} `}${JSON.stringify(value)}`;
  return `${pathText(condition)} is ${show(found)}, expected ${wanted}`;
}

function holds({ operator, value }: JsonCondition, found: unknown): boolean {
  if (operator === "==") return found === value;
  if (operator === "!=") return found !== value;
  if (typeof found !== "number" || typeof value !== "number") return false;
  if (operator === "<") return found < value;
  if (operator === "<=") return found <= value;
  return operator === ">" ? found > value : found >= value;
}

function pathText({ text, operator }: JsonCondition): string {
  // A key in brackets may hold an operator; then the whole condition is clear enough.
  const [path, ...others] = text.split(operator);
  return others.length === 1 ? path!.trim() : `\`${text}\`: the value`;
}

function show(found: unknown): string {
  if (found === undefined) return "missing";
  if (Array.isArray(found)) return "a list";
  if (typeof found === "object" && found !== null) return "an object";
  const text = JSON.stringify(found) ?? "unknown";
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

const KEY = /[A-Za-z_$][\w$-]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const INDEX = /\d{1,9}(?=\s*\])/y;
const WORD = /[A-Za-z_]\w*/y;
const SPACE = /\s*/y;
const DOUBLE_QUOTED = /"(?:[^"\\]|\\.)*"/y;
const SINGLE_QUOTED = /'(?:[^'\\]|\\.)*'/y;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    if (text.length > MAX_LENGTH) throw new Error(`longer than ${MAX_LENGTH} characters`);
    this.#text = text;
    this.space();
  }

  path(): JsonStep[] {
    const first = this.#take(KEY) ?? (this.#text[this.#at] === "[" ? undefined : this.#fail("expected a key"));
    const steps: JsonStep[] = first === undefined ? [] : [first];
    for (;;) {
      if (this.#skip(".")) steps.push(this.#take(KEY) ?? this.#fail("expected a key behind the dot"));
      else if (this.#skip("[")) steps.push(this.#bracket());
      else return steps;
    }
  }

  operator(): JsonOperator {
    const found = jsonOperators.find((operator) => this.#skip(operator));
    if (found !== undefined) return found;
    if (this.#text[this.#at] === "=") this.#fail("use == to compare");
    return this.#fail(`expected one of ${jsonOperators.join(" ")}`);
  }

  value(): JsonCondition["value"] {
    const quoted = this.#quoted();
    if (quoted !== undefined) return quoted;
    const number = this.#take(NUMBER);
    if (number !== undefined) return Number(number);
    const start = this.#at;
    const word = this.#take(WORD);
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    this.#at = start;
    return this.#fail(
      word === undefined
        ? "expected a number, a text in quotes, true, false or null"
        : "a text needs quotes (true, false and null need none)",
    );
  }

  space(): void {
    this.#take(SPACE);
  }

  end(): void {
    this.space();
    if (this.#at < this.#text.length) this.#fail("expected nothing more");
  }

  #bracket(): JsonStep {
    this.space();
    const index = this.#take(INDEX);
    const step = index === undefined ? this.#quoted() : Number(index);
    if (step === undefined) this.#fail("expected an index or a key in quotes");
    this.space();
    if (!this.#skip("]")) this.#fail("expected ]");
    return step;
  }

  #quoted(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return undefined;
    const start = this.#at;
    const raw = this.#take(quote === '"' ? DOUBLE_QUOTED : SINGLE_QUOTED) ?? this.#fail("the text has no end");
    const inner = raw.slice(1, -1);
    const json = quote === '"' ? inner : inner.replaceAll(/\\.|"/g, (part) => singleQuotedPart(part));
    try {
      return JSON.parse(`"${json}"`) as string;
    } catch {
      this.#at = start;
      return this.#fail("not a text as in JSON");
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(what: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 12);
    const found = rest === "" ? "at the end" : `at ${this.#at + 1}, before \`${rest}\``;
    throw new Error(`${what} ${found}`);
  }
}

/** The same within double quotes: `\'` needs no escape there, `"` does. */
function singleQuotedPart(part: string): string {
  if (part === "\\'") return "'";
  return part === '"' ? '\\"' : part;
}
