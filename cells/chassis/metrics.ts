import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { version } from '../version.ts'

/** A value of a gauge with labels. */
export type LabelledValue<Label extends string> = readonly [labels: Partial<Record<Label, string>>, value: number]

/** The metrics of one service; each service lists its own in its `metrics.ts`, with a help sentence. */
export class Metrics {
  readonly registry: Registry
  readonly #prefix: string
  #bugs: Counter<'scope'> | undefined

  /**
   * @param service becomes part of every name: `realm_<service>_<thing>_<unit>`
   * @param registry shared by services of one process that answer one `/metrics`; its own by default
   * @param prefix instead of that of the service
   */
  constructor(
    service: string,
    registry = new Registry(),
    prefix = `realm_${service.replace(/^realm-/, '').replaceAll('-', '_')}_`,
  ) {
    this.registry = registry
    this.#prefix = prefix
  }

  /** For metrics under names that are usual among controllers of Kubernetes, which dashboards and alerts of others know. */
  wellKnown(): Metrics {
    return new Metrics('', this.registry, '')
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

  /** A counter of what happens thousands of times a second: each value of its label is a number, which is taken over at each scrape. */
  frequent<Value extends string>(name: string, help: string, label: string, values: readonly Value[]): Record<Value, Tally> {
    const tallies = Object.fromEntries(values.map((value) => [value, new Tally()])) as Record<Value, Tally>
    new Counter({
      ...{ name: this.#prefix + name, help, labelNames: [label], registers: [this.registry] },
      collect() {
        for (const value of values) {
          const count = tallies[value].take()
          if (count > 0) this.inc({ [label]: value }, count)
        }
      },
    })
    return tallies
  }

  /** Something that goes up and down; `read`, when given, is called at each scrape, and returns all values where there are labels. */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    options: { labelNames?: readonly Label[]; read?: () => number | readonly LabelledValue<Label>[] } = {},
  ): Gauge<Label> {
    const { labelNames = [], read } = options
    return new Gauge<Label>({
      name: this.#prefix + name,
      help,
      labelNames,
      registers: [this.registry],
      ...(read && {
        collect() {
          const now = read()
          if (typeof now === 'number') return this.set(now)
          this.reset()
          for (const [labels, value] of now) this.set(labels, value)
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
    return this.withBuild()
  }

  /** Says which version this is: 1, with the version in a label. */
  withBuild(): this {
    this.gauge('build_info', 'Always 1; the label has the version of the program.', { labelNames: ['version'] }).set(
      { version },
      1,
    )
    return this
  }
}

/** What was counted since it was last taken. */
class Tally {
  #count = 0

  inc(): void {
    this.#count++
  }

  take(): number {
    const count = this.#count
    this.#count = 0
    return count
  }
}
