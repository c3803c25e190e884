/** What may judge its settings as a whole, each of which is right by itself: a kind of health check, a source of servers. */
interface Judge {
  readonly name: string;
  problem?(settings: unknown): string | undefined;
}

/** What an extension has against its settings, or undefined. Never throws: the extension may be a module's. */
export function settingsProblem(judge: Judge, settings: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return judge.problem?.(settings);
  } catch (error) {
    return `${judge.name} cannot judge its settings: ${error instanceof Error ? error.message : String(error)}`;
  }
}
