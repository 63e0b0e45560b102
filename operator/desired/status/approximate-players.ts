const STEPS = [1, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]
/** A step is reached again only with a tenth more players, so that a single one who comes and goes does not change the status each time. */
const isClearly = (players: number, step: number): boolean => players >= (step === 1 ? 1 : (step * 11) / 10)

/**
 * About how many players there are, as a status says it: `0`, or a number that is not more than there are, `100+`. An unknown number keeps
 * the text before.
 */
export function approximatePlayers(players: number | undefined, before?: string): string | undefined {
  if (players === undefined) return before
  const reached = STEPS.findLast((step) => players >= step) ?? 0
  const last = before === undefined ? reached : Number.parseInt(before, 10)
  const clearlyReached = STEPS.findLast((step) => isClearly(players, step)) ?? 0
  return textOf(last >= reached ? reached : Math.max(clearlyReached, STEPS.includes(last) ? last : 0))
}

const textOf = (step: number): string => (step === 0 ? '0' : `${step}+`)
