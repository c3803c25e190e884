const MAX_LENGTH = 1000;

/** Why a regular expression cannot be used, or undefined when it can. */
export function regexProblem(source: string): string | undefined {
  if (source === "") return "the regular expression is empty";
  if (source.length > MAX_LENGTH) return `a regular expression has at most ${MAX_LENGTH} characters`;
  try {
    void new RegExp(source);
    return undefined;
  } catch (error) {
    const reason = String((error as Error).message).replace(/^Invalid regular expression: .*\/\w*: /s, "");
    return `not a regular expression: ${reason}`;
  }
}

/**
 * True when an unbounded repetition stands within another one, as in (a+)+: such an expression may take exponential
 * time on a text that does not match. A rule of thumb; it errs on both sides, so it only warns.
 */
export function looksSlow(source: string): boolean {
  const inner: boolean[] = [false];
  for (let index = 0; index < source.length; index++) {
    const char = source[index];
    if (char === "\\") index++;
    else if (char === "[") index = endOfClass(source, index);
    else if (char === "(") inner.push(false);
    else if (char === ")" && inner.length > 1) {
      const repeatsWithin = inner.pop() as boolean;
      const repeated = isUnbounded(source, index + 1);
      if (repeatsWithin && repeated) return true;
      if (repeatsWithin || repeated) inner[inner.length - 1] = true;
    } else if (isUnbounded(source, index) && char !== "(") inner[inner.length - 1] = true;
  }
  return false;
}

function isUnbounded(source: string, index: number): boolean {
  const char = source[index];
  return char === "*" || char === "+" || (char === "{" && /^\{\d+,\}/.test(source.slice(index, index + 12)));
}

function endOfClass(source: string, start: number): number {
  for (let index = start + 1; index < source.length; index++) {
    if (source[index] === "\\") index++;
    else if (source[index] === "]") return index;
  }
  return source.length;
}
