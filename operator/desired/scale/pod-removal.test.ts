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
const removed = (pods: readonly ConnectorPod[], replicas: number) =>
  deletionCostChanges(pods, replicas)
    .filter(({ cost }) => cost === REMOVE_FIRST)
    .map(({ name }) => name)

test('the connectors with the fewest players are removed first', () => {
  expect(removed([pod('a', 30), pod('b', 2), pod('c', 0), pod('d', 40)], 2)).toEqual(['c', 'b'])
})

test('a connector that does not answer is removed before an empty one, one that is not ready before both', () => {
  const pods = [pod('a', 0), pod('b', undefined), pod('c', 50, { ready: false }), pod('d', 7)]
  expect(removed(pods, 3)).toEqual(['c'])
  expect(removed(pods, 2)).toEqual(['c', 'b'])
  expect(removed(pods, 1)).toEqual(['c', 'b', 'a'])
})

test('no cost is written twice, and a pod that stays after all loses its cost', () => {
  expect(deletionCostChanges([pod('a', 9), pod('b', 1, { cost: REMOVE_FIRST })], 1)).toEqual([])
  expect(deletionCostChanges([pod('a', 9, { cost: REMOVE_FIRST }), pod('b', 1)], 1)).toEqual([
    { name: 'b', cost: REMOVE_FIRST },
    { name: 'a', cost: undefined },
  ])
})

test('a cost that another client wrote on a pod that stays is kept', () => {
  expect(deletionCostChanges([pod('a', 9, { cost: '500' }), pod('b', 1)], 1)).toEqual([{ name: 'b', cost: REMOVE_FIRST }])
})

test('for any pods, as many get a cost as are to be removed, and none of them has more players than one that stays', () => {
  const anyPod = fc.record({
    players: fc.option(fc.nat(1000), { nil: undefined }),
    ready: fc.boolean(),
    cost: fc.constantFrom<string | undefined>(undefined, REMOVE_FIRST),
  })
  fc.assert(
    fc.property(fc.array(anyPod, { maxLength: 20 }), fc.nat(20), (some, replicas) => {
      const pods = some.map((each, index) => ({ name: `pod-${index}`, ...each }))
      const changes = new Map(deletionCostChanges(pods, replicas).map(({ name, cost }) => [name, cost]))
      const after = pods.map((each) => (changes.has(each.name) ? { ...each, cost: changes.get(each.name) } : each))
      const [removedPods, keptPods] = [
        after.filter(({ cost }) => cost === REMOVE_FIRST),
        after.filter(({ cost }) => cost !== REMOVE_FIRST),
      ]
      expect(removedPods).toHaveLength(Math.max(0, pods.length - replicas))
      const playersOf = ({ ready, players = 0 }: (typeof pods)[number]) => (ready ? players : 0)
      for (const one of removedPods) for (const other of keptPods) expect(playersOf(one)).toBeLessThanOrEqual(playersOf(other))
      expect(deletionCostChanges(after, replicas)).toEqual([])
    }),
  )
})
