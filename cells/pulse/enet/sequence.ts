/** How many steps lead from one 16-bit sequence number forward to another, around the end of the circle: 0 to 65 535. */
export const stepsAhead = (from: number, to: number): number => (to - from) & 0xffff

/** Whether a 16-bit sequence number comes after another: less than half of the circle ahead of it. */
export function isAfter(number: number, other: number): boolean {
  const steps = stepsAhead(other, number)
  return steps !== 0 && steps < 0x8000
}
