/** What describes a span, by the names that the log has for it. The sets of values are small: no wallet, no address, no secret. */
export type SpanFields = Readonly<Record<string, string | number>>

/** Work on the time line of a trace. What is called after its end has no effect. */
export interface Span {
  /** Adds fields, or replaces them. */
  set(fields: SpanFields): void
  /** Marks a moment of it: now. */
  event(name: string): void
  /** Marks it as failed, with a word from a small set, such as the status of an answer. */
  fail(type: string): void
  end(): void
  /** What followed from it, which ends now. */
  followUp(name: string, tookMs: number, fields: SpanFields): void
}

export interface SpanOptions {
  /** `server` answers a client, `client` waits for another server; `internal`, the default, is neither. */
  kind?: 'internal' | 'server' | 'client'
  fields?: SpanFields
  /** Whether it begins a trace, also in the work of another span; false by default. */
  isRoot?: boolean
  /**
   * The header `traceparent` of a client. Any client can send any: a trace that it names is linked to, so that one is found from the other,
   * but it neither holds the span nor decides whether it is exported.
   */
  caller?: string | undefined
}

/** Makes spans. */
export interface Tracer {
  /** Begins a trace that something else than a function ends. */
  begin(name: string, options?: Omit<SpanOptions, 'isRoot'>): Span
  /** Runs work in a span, which is a part of the span that it is started in. It ends with the work, and has failed when that throws. */
  during<Result>(name: string, options: SpanOptions, work: (span: Span) => Promise<Result>): Promise<Result>
}

const noSpan: Span = { set() {}, event() {}, fail() {}, end() {}, followUp() {} }

/** Makes none. */
export const noTracer: Tracer = { begin: () => noSpan, during: (_, __, work) => work(noSpan) }
