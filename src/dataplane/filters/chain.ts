import type { FilterConfig } from "../../config/schema.ts";
import type { Answer, Filter, FilterDefinition, FilterDeps, FilterExchange } from "../../core/filtering/filter.ts";

/** The filter with the phase: its method is there. */
type With<Phase extends keyof Filter> = Filter & Required<Pick<Filter, Phase>>;

/**
 * The filters of one route on one worker, sorted by phase. A phase that no filter has is an empty list: one length
 * test on the request path.
 *
 * Request phases run in the order of the configuration; the answer's phases in the opposite one, so that the first
 * filter, being the outermost, has the last word.
 */
export interface FilterChain {
  readonly requestHead: readonly With<"onRequestHead">[];
  readonly requestBody: readonly With<"onRequestBody">[];
  readonly responseHead: readonly With<"onResponseHead">[];
  readonly responseBody: readonly With<"onResponseBody">[];
  readonly responseTrailers: readonly With<"onResponseTrailers">[];
  readonly complete: readonly With<"onComplete">[];
}

/** The chain of a route without filters. */
export const emptyChain: FilterChain = Object.freeze({
  requestHead: [],
  requestBody: [],
  responseHead: [],
  responseBody: [],
  responseTrailers: [],
  complete: [],
});

/**
 * Makes a route's filters.
 *
 * @param configured the route's filters, normalised
 * @param find the definition of a name, built in or from a module
 * @throws Error that names the filter, when there is none of that name or it refuses its settings
 */
export function compileChain(
  configured: readonly FilterConfig[],
  find: (name: string) => FilterDefinition | undefined,
  deps: FilterDeps,
): FilterChain {
  if (configured.length === 0) return emptyChain;
  const filters = configured.map(({ name, settings }) => {
    const definition = find(name);
    if (definition === undefined) throw new Error(`filter ${name}: there is no filter of that name`);
    try {
      return definition.create(settings, deps);
    } catch (error) {
      throw new Error(`filter ${name}: ${(error as Error).message}`, { cause: error });
    }
  });
  return {
    requestHead: withPhase(filters, "onRequestHead"),
    requestBody: withPhase(filters, "onRequestBody"),
    responseHead: withPhase(filters, "onResponseHead").toReversed(),
    responseBody: withPhase(filters, "onResponseBody").toReversed(),
    responseTrailers: withPhase(filters, "onResponseTrailers").toReversed(),
    complete: withPhase(filters, "onComplete"),
  };
}

function withPhase<Phase extends keyof Filter>(filters: readonly Filter[], phase: Phase): With<Phase>[] {
  return filters.filter((filter): filter is With<Phase> => typeof filter[phase] === "function");
}

/**
 * Runs the request-head phase up to the first answer. Synchronous as long as the filters are: a promise comes back
 * only from the first filter that returns one. What a filter throws or rejects with is passed on.
 */
export function runRequestHead(chain: FilterChain, exchange: FilterExchange): Answer | void | Promise<Answer | void> {
  const { requestHead } = chain;
  for (let index = 0; index < requestHead.length; index++) {
    const result = requestHead[index].onRequestHead(exchange);
    if (result === undefined) continue;
    return result instanceof Promise ? continueAfter(requestHead, index, result, exchange) : result;
  }
}

/** Whether an answer's body may come out longer or shorter than it came in. */
export function changesBody(chain: FilterChain | null): boolean {
  return chain !== null && (chain.responseBody.length !== 0 || chain.responseTrailers.length !== 0);
}

/**
 * Lets the filters see the trailers at the end of an answer's body ("" for none).
 *
 * @returns what goes out behind the body instead of them; undefined when they go on as they are
 */
export function runResponseTrailers(
  { responseTrailers }: FilterChain,
  exchange: FilterExchange,
  trailers: string,
): Uint8Array | undefined {
  for (const filter of responseTrailers) {
    const bytes = filter.onResponseTrailers(exchange, trailers);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

async function continueAfter(
  filters: FilterChain["requestHead"],
  index: number,
  first: Promise<Answer | void>,
  exchange: FilterExchange,
): Promise<Answer | void> {
  let answer = await first;
  for (let next = index + 1; answer === undefined && next < filters.length; next++) {
    answer = await filters[next].onRequestHead(exchange);
  }
  return answer;
}
