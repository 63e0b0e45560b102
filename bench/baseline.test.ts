import { describe, expect, test } from 'vitest'
import { baselineRow, changeOf, changeText, renewed } from './baseline.ts'

const aRow = (ratio: number, better: 'lower' | 'higher' = 'lower') => ({ ratio, better })

describe('what is kept of a figure', () => {
  test.each([
    ['a time, as a share of the calibration', 'ms', 30, { ratio: 0.5, better: 'lower' }],
    ['a rate, as the amount within one calibration', 'requests/s', 30, { ratio: 1_800, better: 'higher' }],
    ['a rate of a core', 'per s and core', 2, { ratio: 120, better: 'higher' }],
    ['a size, which does not depend on the speed of the machine', 'MB', 30, { ratio: 30, better: 'lower' }],
    ['a count within some seconds', 'in 30 s', 4, { ratio: 4, better: 'lower' }],
    ['nothing of a unit that says nothing', 'figures', 0, undefined],
  ])('%s', (_, unit, value, kept) => expect(baselineRow({ what: 'x', value, unit }, 60)).toEqual(kept))

  test('a benchmark may say itself how its figure is compared', () => {
    const figure = { what: 'x', value: 0.5, unit: '', compare: { better: 'higher', kind: 'count' } } as const
    expect(baselineRow(figure, 60)).toEqual({ ratio: 0.5, better: 'higher' })
  })

  test('nothing of a figure that could not be measured', () => {
    expect(baselineRow({ what: 'x', value: Number.NaN, unit: 'ms' }, 60)).toBeUndefined()
  })
})

describe('the change of a figure', () => {
  test.each([
    ['less time', aRow(8), aRow(10), '25 % better', false],
    ['a fifth less speed is allowed', aRow(12.5), aRow(10), '25 % worse', false],
    ['more than that is a fall', aRow(12.6), aRow(10), '26 % worse (!)', true],
    ['a higher rate', aRow(11, 'higher'), aRow(10, 'higher'), '10 % better', false],
    ['a rate of less than four fifths', aRow(7, 'higher'), aRow(10, 'higher'), '43 % worse (!)', true],
    ['the same', aRow(10), aRow(10), 'as before', false],
    ['a count that is zero no more', aRow(1), aRow(0), 'worse, one of the two is 0', true],
    ['a count that is zero still', aRow(0), aRow(0), 'not worse', false],
  ])('%s', (_, now, before, text, isFall) => {
    const change = changeOf(now, before)
    expect(changeText(change)).toBe(text)
    expect('isFall' in change && change.isFall).toBe(isFall)
  })

  test('is not known without a baseline, and not looked for where nothing is compared', () => {
    expect(changeText(changeOf(aRow(1), undefined))).toBe('no baseline')
    expect(changeText(changeOf(undefined, aRow(1)))).toBe('')
  })
})

test('a new baseline holds the rows that ran, and the earlier ones of what did not run', () => {
  const before = { a: { fast: aRow(1), slow: aRow(2) }, c: { other: aRow(3) } }
  expect(renewed(before, { b: { fresh: aRow(4) }, a: { fast: aRow(5) } })).toEqual({
    a: { fast: aRow(5), slow: aRow(2) },
    b: { fresh: aRow(4) },
    c: { other: aRow(3) },
  })
})
