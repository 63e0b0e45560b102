import { expect, test } from 'vitest'
import { standingAt, walletOf } from './fixtures.ts'
import { Relay } from './relay.ts'

test('neighbours are served one after the other, those of a realm together, and each once a round', () => {
  const relay = new Relay({ startedAtMs: 0 })
  const served: number[] = []
  const places = [10, 900, 20, 910, 30, 920]
  const realms = ['main', 'main', 'main', 'main', 'other', 'other']
  const players = places.map((x, i) => {
    const client = { sendReliable: () => {}, sendUnreliable: () => {}, flush: () => void served.push(i) }
    const player = relay.connect(walletOf(i), client, undefined, 0)
    relay.teleport(player, { state: standingAt(x, 5), realm: realms[i] ?? '' }, 0)
    return player
  })
  const round = () => {
    served.length = 0
    relay.tick(50)
    return [...served]
  }
  expect(round()).toEqual([0, 2, 1, 3, 4, 5])
  // Who walks far away is served among those there a second later.
  relay.input(players[0] as never, standingAt(915, 5), 60)
  const rounds = Array.from({ length: 20 }, round)
  expect(rounds[0]).toEqual([0, 2, 1, 3, 4, 5])
  expect(rounds.at(-1)).toEqual([2, 1, 3, 0, 4, 5])
})

test('a player who comes or goes in the midst of a round changes nothing for the others of the next one', () => {
  const relay = new Relay({ startedAtMs: 0 })
  const served: number[] = []
  const enter = (i: number) => {
    const client = { sendReliable: () => {}, sendUnreliable: () => {}, flush: () => void served.push(i) }
    const player = relay.connect(walletOf(i), client, undefined, 0)
    relay.teleport(player, { state: standingAt(i, 5), realm: 'main' }, 0)
    return { player, client }
  }
  const [first] = [0, 1, 2].map(enter)
  if (!first) throw new Error('nobody is there')
  relay.begin(50, { stride: 1, tierRounds: [1, 1, 1], lookTicks: 1 })
  relay.serve(0, 2)
  relay.disconnect(first.player, first.client, 'left', 50)
  enter(3)
  relay.serve(1, 2)
  served.length = 0
  relay.tick(100)
  expect(served.sort()).toEqual([1, 2, 3])
})
