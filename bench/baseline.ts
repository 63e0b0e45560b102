import { type Comparison, comparisonOf, type Figure } from './figure.ts'

/** A figure as it is kept: independent of the speed of the machine as far as the calibration can make it so. */
export interface BaselineRow {
  ratio: number
  better: Comparison['better']
}

/** Kept figures by benchmark, and by what they measure. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, BaselineRow>>>>

/** A figure of this run beside the baseline. */
export type Change =
  | { kind: 'not compared' }
  | { kind: 'no baseline' }
  /** Both counts were zero before or are now, so that there is no ratio. */
  | { kind: 'from zero'; isFall: boolean }
  /** 1.1 = a tenth better: a tenth more requests a second, or a tenth less time. */
  | { kind: 'factor'; factor: number; isFall: boolean }

/** A figure that is worth less than this share of the baseline fell. */
const FALL = 0.8

/** The figure as it is kept; undefined for one that is not compared. */
export function baselineRow(figure: Figure, calibrationMs: number): BaselineRow | undefined {
  const comparison = comparisonOf(figure)
  if (!comparison || !Number.isFinite(figure.value)) return undefined
  const { better, kind } = comparison
  const scale = { time: 1 / calibrationMs, rate: calibrationMs, count: 1 }[kind]
  return { ratio: Number((figure.value * scale).toPrecision(4)), better }
}

export function changeOf(now: BaselineRow | undefined, before: BaselineRow | undefined): Change {
  if (!now) return { kind: 'not compared' }
  if (!before) return { kind: 'no baseline' }
  const [good, bad] = now.better === 'higher' ? [now.ratio, before.ratio] : [before.ratio, now.ratio]
  if (bad <= 0 || good <= 0) return { kind: 'from zero', isFall: bad > good }
  const factor = good / bad
  return { kind: 'factor', factor, isFall: factor < FALL }
}

/** A change in the words of the table. */
export function changeText(change: Change): string {
  if (change.kind === 'not compared') return ''
  if (change.kind === 'no baseline') return 'no baseline'
  if (change.kind === 'from zero') return change.isFall ? 'worse, one of the two is 0' : 'not worse'
  const percent = Math.round((change.factor >= 1 ? change.factor - 1 : 1 / change.factor - 1) * 100)
  if (percent === 0) return 'as before'
  return `${percent} % ${change.factor >= 1 ? 'better' : 'worse'}${change.isFall ? ' (!)' : ''}`
}

/** The baseline with the rows of this run in place of those of the same name. Others stay, because their benchmarks did not run. */
export const renewed = (baseline: Baseline, ran: Baseline): Baseline =>
  Object.fromEntries(
    [...new Set([...Object.keys(baseline), ...Object.keys(ran)])]
      .sort()
      .map((bench) => [bench, { ...baseline[bench], ...ran[bench] }]),
  )
