import { compileRegex } from "./path-pattern.ts";

/**
 * A condition on a named value (a header field, a cookie, a query parameter): `value` equal, `*` present, `~regular
 * expression` (not anchored), and with an exclamation mark the opposite, which also holds where there is no such
 * value: `!value` not equal, `!~regular expression` not matching, `!` (or `!*`) absent.
 */
export class ValueCondition {
  readonly name: string;
  /** As configured, for explanations. */
  readonly text: string;
  private readonly negated: boolean;
  /** True when any value will do. */
  private readonly present: boolean;
  private readonly regex: RegExp | undefined;
  private readonly value: string;

  /**
   * @param where for the error: "header" and the like
   * @throws Error when a regular expression is wrong
   */
  constructor(where: string, name: string, text: string) {
    this.name = name;
    this.text = text;
    this.negated = text.startsWith("!");
    const wanted = this.negated ? text.slice(1) : text;
    this.present = wanted === "*" || (this.negated && wanted === "");
    this.regex = wanted.startsWith("~") ? compileRegex(wanted.slice(1), `${where} ${name}: "${text}"`) : undefined;
    this.value = wanted;
  }

  holds(value: string | undefined): boolean {
    if (value === undefined) return this.negated;
    if (this.present) return !this.negated;
    return (this.regex === undefined ? value === this.value : this.regex.test(value)) !== this.negated;
  }
}
