import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The metrics of one service; each service lists its own in its `metrics.ts`, with a help sentence. */
export class Metrics {
  readonly registry: Registry
  readonly #prefix: string
  #bugs: Counter<'scope'> | undefined

  /**
   * @param service becomes part of every name: `realm_<service>_<thing>_<unit>`
   * @param registry shared by services of one process that answer one `/metrics`; its own by default
   */
  constructor(service: string, registry = new Registry()) {
    this.registry = registry
    this.#prefix = `realm_${service.replace(/^realm-/, '').replaceAll('-', '_')}_`
  }

  /** Exceptions that no code expected, counted by every part of the service that contains them. */
  get bugs(): Counter<'scope'> {
    this.#bugs ??= this.counter(
      'bugs_total',
      'Exceptions that ended one request, upgrade, connection or message. Each is a bug.',
      ['scope'],
    )
    return this.#bugs
  }

  /** Something that only grows; its name ends in `_total`. */
  counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new Counter({ name: this.#prefix + name, help, labelNames, registers: [this.registry] })
  }

  /** Something that goes up and down; `read`, when given, is called at each scrape. */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    options: { labelNames?: readonly Label[]; read?: () => number } = {},
  ): Gauge<Label> {
    const { labelNames = [], read } = options
    return new Gauge<Label>({
      name: this.#prefix + name,
      help,
      labelNames,
      registers: [this.registry],
      ...(read && {
        collect() {
          this.set(read())
        },
      }),
    })
  }

  /** A distribution, in seconds or bytes as the name says. */
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name: this.#prefix + name, help, buckets, labelNames, registers: [this.registry] })
  }

  /** Adds the metrics of the process itself; once per process, so a process of several services does not count twice. */
  withProcess(): this {
    collectDefaultMetrics({ register: this.registry })
    return this
  }
}
