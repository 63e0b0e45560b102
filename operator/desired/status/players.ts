/** From how many players on a crowd has the next name. */
const STEPS = [1, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]
/** A crowd keeps its name until it is smaller by this much, so that a single player at a step does not change it all the time. */
const SLACK = 0.8

/** About how many players there are: `0`, or the highest step reached, `100+`. Unknown numbers leave what was said before. */
export function crowdOf(players: number | undefined, before?: string): string | undefined {
  if (players === undefined) return before
  const reached = STEPS.findLast((step) => players >= step) ?? 0
  const said = before === undefined ? 0 : Number.parseInt(before, 10)
  const stays = said > reached && STEPS.includes(said) && players >= said * SLACK
  return nameOf(stays ? said : reached)
}

const nameOf = (step: number): string => (step === 0 ? '0' : `${step}+`)
