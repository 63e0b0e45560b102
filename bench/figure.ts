/** One figure of a benchmark. */
export interface Figure {
  what: string
  value: number
  /** `ms`, `requests/s`, `MB`: says how the figure is compared, unless `compare` does. */
  unit: string
  note?: string
  compare?: Comparison
}

/** Whether a smaller or a larger figure is the better one, and how it follows the speed of the machine. */
export interface Comparison {
  better: 'lower' | 'higher'
  /** A `time` is divided by the run's calibration and a `rate` multiplied with it; a `count`, such as of bytes or requests, is left as it is. */
  kind: 'time' | 'rate' | 'count'
}

const byUnit: readonly [RegExp, Comparison][] = [
  [/^(ms|s)$/, { better: 'lower', kind: 'time' }],
  [/\/s$|^per s\b|per CPU second$/, { better: 'higher', kind: 'rate' }],
  [/^(kB|MB|requests|keys|in .*)$/, { better: 'lower', kind: 'count' }],
]

/** How a figure is compared with an earlier run; undefined for one that is only informative. */
export const comparisonOf = ({ unit, compare }: Figure): Comparison | undefined =>
  compare ?? byUnit.find(([pattern]) => pattern.test(unit))?.[1]

/** A file `bench/<name>.bench.ts`. */
export interface Bench {
  name: string
  run(report: (figure: Figure) => void): Promise<void>
}
