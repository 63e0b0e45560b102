import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ConnectorPod, deletionCostChanges, REMOVE_FIRST } from './pod-removal.ts'

const pod = (name: string, players: number | undefined, rest: Partial<ConnectorPod> = {}): ConnectorPod => ({
  name,
  ready: true,
  players,
  cost: undefined,
  ...rest,
})
const going = (pods: readonly ConnectorPod[], replicas: number) =>
  deletionCostChanges(pods, replicas)
    .filter(({ cost }) => cost === REMOVE_FIRST)
    .map(({ name }) => name)

test('of fewer connectors those with the fewest players go', () => {
  expect(going([pod('a', 30), pod('b', 2), pod('c', 0), pod('d', 40)], 2)).toEqual(['c', 'b'])
})

test('one that does not answer goes before one that is empty, one that is not ready before both', () => {
  const pods = [pod('a', 0), pod('b', undefined), pod('c', 50, { ready: false }), pod('d', 7)]
  expect(going(pods, 3)).toEqual(['c'])
  expect(going(pods, 2)).toEqual(['c', 'b'])
  expect(going(pods, 1)).toEqual(['c', 'b', 'a'])
})

test('nothing is written twice, and one that stays after all is marked no more', () => {
  expect(deletionCostChanges([pod('a', 9), pod('b', 1, { cost: REMOVE_FIRST })], 1)).toEqual([])
  expect(deletionCostChanges([pod('a', 9, { cost: REMOVE_FIRST }), pod('b', 1)], 1)).toEqual([
    { name: 'b', cost: REMOVE_FIRST },
    { name: 'a', cost: undefined },
  ])
})

test('a cost somebody else wrote on a pod that stays is theirs', () => {
  expect(deletionCostChanges([pod('a', 9, { cost: '500' }), pod('b', 1)], 1)).toEqual([{ name: 'b', cost: REMOVE_FIRST }])
})

test('whatever the pods are, as many are marked as go, and none of them has more players than one that stays', () => {
  const anyPod = fc.record({
    players: fc.option(fc.nat(1000), { nil: undefined }),
    ready: fc.boolean(),
    cost: fc.constantFrom<string | undefined>(undefined, REMOVE_FIRST),
  })
  fc.assert(
    fc.property(fc.array(anyPod, { maxLength: 20 }), fc.nat(20), (some, replicas) => {
      const pods = some.map((each, index) => ({ name: `pod-${index}`, ...each }))
      const marks = new Map(deletionCostChanges(pods, replicas).map(({ name, cost }) => [name, cost]))
      const after = pods.map((each) => (marks.has(each.name) ? { ...each, cost: marks.get(each.name) } : each))
      const [goes, stays] = [after.filter(({ cost }) => cost === REMOVE_FIRST), after.filter(({ cost }) => cost !== REMOVE_FIRST)]
      expect(goes).toHaveLength(Math.max(0, pods.length - replicas))
      const crowd = ({ ready, players = 0 }: (typeof pods)[number]) => (ready ? players : 0)
      for (const one of goes) for (const other of stays) expect(crowd(one)).toBeLessThanOrEqual(crowd(other))
      expect(deletionCostChanges(after, replicas)).toEqual([])
    }),
  )
})
