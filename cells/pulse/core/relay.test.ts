import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelClient, standingAt, walletOf } from './fixtures.ts'
import { FIELD, FIELD_COUNT, STATE_LENGTH } from './messages/avatar-state.ts'
import { EMOTE_STOP_REASON, offsetOf } from './messages/server-message.ts'
import type { Player } from './player.ts'
import { Relay } from './relay.ts'
import { FULL_RATES } from './send-rates.ts'

const TICK_MS = 50

function aRelay(options: Partial<ConstructorParameters<typeof Relay>[0]> = {}) {
  const relay = new Relay({ startedAtMs: 1_000, ...options })
  const world = { relay, nowMs: 1_000, rates: FULL_RATES, pass }
  function pass(ms: number) {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      world.nowMs += TICK_MS
      relay.tick(world.nowMs, world.rates)
    }
  }
  function enter(index: number, x = 0, z = 0, realm = 'main') {
    const client = new ModelClient(relay)
    const player = client.connect(walletOf(index), world.nowMs)
    relay.teleport(player, { state: standingAt(x, z), realm }, world.nowMs)
    return { client, player, walk: (toX: number, toZ: number) => relay.input(player, standingAt(toX, toZ), world.nowMs) }
  }
  return Object.assign(world, { enter })
}

const kinds = (client: ModelClient) => client.received.map((line) => line.split(' ')[0])

test('two players of a realm see each other, and each movement, and do not see themselves', () => {
  const { enter, pass } = aRelay()
  const [a, b] = [enter(1), enter(2, 10, 10)]
  pass(500)
  expect(a.client.of(walletOf(2))).toMatchObject({ realm: 'main', state: { parcelIndex: expect.any(Number) } })
  expect(b.client.of(walletOf(1))).toBeDefined()
  expect(a.client.of(walletOf(1))).toBeUndefined()
  b.walk(12, 10)
  pass(TICK_MS)
  expect(a.client.of(walletOf(2))?.state.positionX).toBe(191)
  expect(kinds(a.client).at(-1)).toBe('playerStateDelta')
})

test('who arrives is seen in the next round by those around it, who look for others less often, and is announced to each once', () => {
  const { enter, pass } = aRelay()
  const [a, b] = [enter(1), enter(2, 150, 0)]
  pass(2_000)
  const c = enter(3, 20, 0)
  pass(2 * TICK_MS)
  for (const { client } of [a, b]) expect(client.of(walletOf(3))).toBeDefined()
  expect(c.client.known.size).toBe(2)
  pass(2_000)
  for (const { client } of [a, b])
    expect(client.received.filter((each) => each === `playerJoined ${c.player.subject}`)).toHaveLength(1)
})

test('a player is invisible until its client has announced a realm', () => {
  const { relay, enter, pass, nowMs } = aRelay()
  const a = enter(1)
  const client = new ModelClient(relay)
  const player = client.connect(walletOf(2), nowMs)
  relay.input(player, standingAt(1, 1), nowMs)
  pass(1_000)
  expect([a.client.known.size, client.known.size]).toEqual([0, 0])
})

test('realms do not see each other, and are the same in any spelling; each client reads its own', () => {
  const { enter, pass } = aRelay()
  const [a, b, c] = [enter(1, 0, 0, 'Main'), enter(2, 1, 1, 'main'), enter(3, 2, 2, 'other')]
  pass(1_000)
  expect(a.client.of(walletOf(2))?.realm).toBe('Main')
  expect(b.client.of(walletOf(1))?.realm).toBe('main')
  expect([a.client.known.size, b.client.known.size, c.client.known.size]).toEqual([1, 1, 0])
})

test('a change of the realm is seen at once by those who stay and by those who are there', () => {
  const world = aRelay()
  const [a, b, c] = [world.enter(1), world.enter(2), world.enter(3, 0, 0, 'other')]
  world.pass(1_000)
  world.relay.teleport(a.player, { state: standingAt(1, 1), realm: 'other' }, world.nowMs)
  world.pass(TICK_MS)
  expect(b.client.known.size).toBe(0)
  expect(a.client.of(walletOf(2))).toBeUndefined()
  world.pass(500)
  expect(a.client.of(walletOf(3))).toBeDefined()
  expect(c.client.of(walletOf(1))).toBeDefined()
})

test('a player out of sight leaves, and one at the edge does not come and go', () => {
  const { enter, pass } = aRelay()
  const [a, b] = [enter(1), enter(2, 195)]
  pass(1_000)
  expect(a.client.known.size).toBe(1)
  for (let i = 0; i < 10; i++) {
    b.walk(i % 2 ? 195 : 205, 0)
    pass(500)
  }
  expect(kinds(a.client).filter((kind) => kind === 'playerLeft')).toEqual([])
  b.walk(230, 0)
  pass(500)
  expect(a.client.known.size).toBe(0)
})

test('an input that changes nothing is not sent', () => {
  const { enter, pass } = aRelay()
  const [a, b] = [enter(1), enter(2)]
  b.walk(3, 3)
  pass(1_000)
  const before = a.client.received.length
  for (let i = 0; i < 20; i++) {
    b.walk(3, 3)
    pass(TICK_MS)
  }
  expect(a.client.received.length).toBe(before)
})

test.each([
  [12, FULL_RATES],
  [60, FULL_RATES],
  [12, { stride: 2, tierRounds: [1, 2, 8], lookTicks: 10 }],
  [60, { stride: 2, tierRounds: [1, 2, 8], lookTicks: 10 }],
  [60, { stride: 1, tierRounds: [1, 4, 16], lookTicks: 10 }],
  [60, { stride: 3, tierRounds: [2, 2, 4], lookTicks: 10 }],
])('%i players all see all that happens, at any distance, at the rates %j', (count, rates) => {
  const world = Object.assign(aRelay(), { rates })
  const players = Array.from({ length: count }, (_, i) => world.enter(i, (i % 3) * 50, i / 9))
  world.pass(2_000)
  for (const [i, { walk }] of players.entries()) walk((i % 3) * 50 + 1, i / 9)
  world.pass(800)
  for (const { client, player } of players) {
    const sequences = players.filter((other) => other.player !== player).map((other) => other.player.sequence)
    expect([...client.known.values()].map(({ sequence }) => sequence)).toEqual(sequences)
  }
})

test('distant players are sent less often, and all of their state as soon as they come close', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2, 100)]
  world.pass(1_000)
  const before = a.client.received.length
  for (let i = 0; i < 40; i++) {
    world.relay.input(b.player, standingAt(100, i % 16, { velocityX: i, headYaw: i, present: 1 << FIELD.headYaw }), world.nowMs)
    world.pass(TICK_MS)
  }
  expect(a.client.received.length - before).toBe(10)
  expect(a.client.of(walletOf(2))?.state).not.toHaveProperty('velocityX')
  world.relay.input(b.player, standingAt(10, 0, { velocityX: 39, headYaw: 39, present: 1 << FIELD.headYaw }), world.nowMs)
  world.pass(1_000)
  world.relay.input(b.player, standingAt(11, 0, { velocityX: 39, headYaw: 39, present: 1 << FIELD.headYaw }), world.nowMs)
  world.pass(TICK_MS)
  expect(a.client.of(walletOf(2))?.state).toMatchObject({ velocityX: 39, headYaw: 39 })
})

/** How many changes the client of the first of so many players is sent in each of 16 rounds, while all the others walk. */
function changesByRound(count: number): number[] {
  const world = aRelay()
  const players = Array.from({ length: count }, (_, i) => world.enter(i, i, 0))
  world.pass(2_000)
  const received = players[0]?.client.received ?? []
  return Array.from({ length: 16 }, (_, round) => {
    for (const [i, { walk }] of players.entries()) walk(i, 1 + (round % 2))
    const before = received.length
    world.pass(TICK_MS)
    return received.length - before
  })
}

test('who sees many is sent about as much in each round, and who sees few has rounds for those far away, and others', () => {
  const many = changesByRound(100)
  expect(Math.max(...many) - Math.min(...many)).toBeLessThanOrEqual(2)
  const few = changesByRound(40)
  expect(Math.max(...few)).toBe(39)
  expect(Math.min(...few)).toBeLessThan(26)
})

test('of a crowd each client is told of the nearest hundred', () => {
  const world = aRelay()
  const a = world.enter(0)
  for (let i = 1; i <= 300; i++) world.enter(i, i / 2, 0)
  world.pass(1_000)
  expect(a.client.known.size).toBe(100)
  const nearest = Array.from({ length: 98 }, (_, i) => walletOf(i + 1))
  const seen = new Set([...a.client.known.values()].map(({ wallet }) => wallet))
  expect(nearest.filter((wallet) => !seen.has(wallet))).toEqual([])
})

test('a change is made once for all who see it, also after two thousand million of them, and beside news of another kind', () => {
  const { relay, enter, pass } = aRelay()
  const a = enter(1)
  a.player.sequence = 2 ** 31 - 2
  const others = [enter(2, 5, 0), enter(3, 5, 5)]
  pass(500)
  for (let step = 0; step < 4; step++) {
    a.walk(step, 0)
    relay.announceProfile(a.player, step)
    const { sent, encoded } = relay.deltas
    pass(TICK_MS)
    expect([relay.deltas.sent - sent, relay.deltas.encoded - encoded]).toEqual([2, 1])
  }
  expect(a.player.sequence).toBeGreaterThan(2 ** 31)
  for (const { client } of others) expectSame(client, a.player)
})

test('a client that lost a delta asks once, and then has the state', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2)]
  world.pass(1_000)
  a.client.arrives = () => false
  b.walk(1, 0)
  world.pass(TICK_MS)
  a.client.arrives = () => true
  b.walk(2, 0)
  world.pass(2 * TICK_MS)
  expect(a.client.resyncs).toBe(1)
  expect(a.client.of(walletOf(2))?.sequence).toBe(b.player.sequence)
})

test('a client that never got the announcement of a player is sent it again', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2)]
  world.pass(1_000)
  a.client.known.clear()
  world.relay.resync(a.player, { subject: b.player.subject, knownSequence: 0 })
  world.pass(TICK_MS)
  expect(a.client.of(walletOf(2))).toBeDefined()
  // And without asking, ten seconds after the first announcement.
  b.client.known.clear()
  world.pass(10_000)
  expect(b.client.of(walletOf(1))).toBeDefined()
})

test('a client that asks for a player it cannot see is told that the player left', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2, 0, 0, 'other')]
  world.pass(1_000)
  world.relay.resync(a.player, { subject: b.player.subject, knownSequence: 4 })
  expect(a.client.received).toEqual([`playerLeft ${b.player.subject}`])
})

test('an emote is seen by those who are there and those who come later, and ends by itself or by its player', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2)]
  world.pass(1_000)
  world.relay.startEmote(b.player, { emoteId: 'wave', durationMs: 3_000, mask: undefined }, standingAt(1, 1), world.nowMs)
  world.pass(TICK_MS)
  expect(a.client.of(walletOf(2))?.emote).toBe('wave')
  const c = world.enter(3)
  world.pass(1_000)
  expect(c.client.of(walletOf(2))?.emote).toBe('wave')
  world.pass(2_500)
  expect(a.client.of(walletOf(2))?.emote).toBeUndefined()
  expect(b.player.emoteStopReason).toBe(EMOTE_STOP_REASON.completed)
  world.relay.startEmote(b.player, { emoteId: 'dance', durationMs: undefined, mask: 1 }, standingAt(1, 1), world.nowMs)
  world.pass(120_000)
  expect(c.client.of(walletOf(2))?.emote).toBe('dance')
  world.relay.stopEmote(b.player, world.nowMs)
  world.pass(TICK_MS)
  expect(c.client.of(walletOf(2))?.emote).toBeUndefined()
  expect(b.player.emoteStopReason).toBe(EMOTE_STOP_REASON.cancelled)
})

test('a player that comes back in time keeps its number, and no one notices', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1), world.enter(2)]
  world.pass(1_000)
  const before = a.client.received.length
  world.relay.disconnect(b.player, b.client, 'lost', world.nowMs)
  world.pass(4_000)
  const again = new ModelClient(world.relay)
  const player = again.connect(walletOf(2), world.nowMs, { state: b.player.state(), realm: 'main' })
  world.pass(20_000)
  expect(player).toBe(b.player)
  expect(a.client.received.slice(before).filter((line) => !line.startsWith('playerJoined'))).toEqual([
    expect.stringMatching(/^playerStateDelta/),
  ])
  expect(again.of(walletOf(1))).toBeDefined()
})

test('a player that does not come back leaves after five seconds, one that says so at once; a number is never given twice', () => {
  const world = aRelay()
  const [a, b, c] = [world.enter(1), world.enter(2), world.enter(3)]
  world.pass(1_000)
  world.relay.disconnect(b.player, b.client, 'lost', world.nowMs)
  world.relay.disconnect(c.player, c.client, 'left', world.nowMs)
  world.pass(TICK_MS)
  expect(a.client.of(walletOf(3))).toBeUndefined()
  expect(a.client.of(walletOf(2))).toBeDefined()
  world.pass(5_000)
  expect(a.client.known.size).toBe(0)
  const again = world.enter(2)
  expect(again.player.subject).toBe(b.player.subject)
  expect(again.player.sequence).toBeGreaterThan(b.player.sequence)
  expect(world.enter(4).player.subject).toBe(4)
})

test('a position outside the world is moved to its edge', () => {
  const world = aRelay()
  const [a, b] = [world.enter(1, 2_630, 2_570), world.enter(2, 2_630, 2_570)]
  world.relay.input(b.player, standingAt(9_000, 9_000), world.nowMs)
  world.pass(1_000)
  expect(a.client.of(walletOf(2))?.state.parcelIndex).toBe(318 * 313 - 1)
})

test('whatever players do and whatever is lost, each client ends with what is there', () => {
  const place = fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 }))
  const who = fc.nat(4)
  const action = fc.oneof(
    fc.record({ do: fc.constant('walk' as const), who, place }),
    fc.record({ do: fc.constant('teleport' as const), who, place, realm: fc.constantFrom('main', 'MAIN', 'other') }),
    fc.record({ do: fc.constant('emote' as const), who, place }),
    fc.record({ do: fc.constant('stop' as const), who }),
    fc.record({ do: fc.constant('profile' as const), who, version: fc.nat(9) }),
    fc.record({ do: fc.constant('reconnect' as const), who, how: fc.constantFrom('left' as const, 'lost' as const) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(50, 100, 400, 6_000) }),
  )
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.infiniteStream(fc.boolean()),
      fc.constantFrom(
        FULL_RATES,
        { stride: 2, tierRounds: [1, 2, 8], lookTicks: 10 },
        { stride: 4, tierRounds: [1, 2, 4], lookTicks: 10 },
      ),
      (actions, luck, rates) => {
        const world = Object.assign(aRelay(), { rates })
        const arrives = () => luck.next().value as boolean
        const players = Array.from({ length: 5 }, (_, i) => world.enter(i))
        for (const { client } of players) client.arrives = arrives
        for (const step of actions) {
          if (step.do === 'pass') {
            world.pass(step.ms)
            continue
          }
          const one = players[step.who] ?? players[0]
          if (!one) return
          if (step.do === 'walk') world.relay.input(one.player, standingAt(...step.place), world.nowMs)
          else if (step.do === 'teleport')
            world.relay.teleport(one.player, { state: standingAt(...step.place), realm: step.realm }, world.nowMs)
          else if (step.do === 'emote')
            world.relay.startEmote(
              one.player,
              { emoteId: 'wave', durationMs: 500, mask: undefined },
              standingAt(...step.place),
              world.nowMs,
            )
          else if (step.do === 'stop') world.relay.stopEmote(one.player, world.nowMs)
          else if (step.do === 'profile') world.relay.announceProfile(one.player, step.version)
          else {
            world.relay.disconnect(one.player, one.client, step.how, world.nowMs)
            const client = new ModelClient(world.relay)
            client.arrives = arrives
            const player = client.connect(one.player.wallet, world.nowMs, {
              state: one.player.state(),
              realm: one.player.realm ?? 'main',
            })
            Object.assign(one, { client, player })
          }
        }
        for (const { client } of players) client.arrives = () => true
        world.pass(1_000)
        // A client notices at the next movement that it missed one.
        players.forEach(({ player }, i) => {
          world.relay.input(player, standingAt(i, i, { rotationY: i }), world.nowMs)
        })
        world.pass(1_000)
        for (const { client, player } of players) {
          const others = players.filter((other) => other.player !== player && other.player.realm === player.realm)
          expect([...client.known.keys()].sort()).toEqual(others.map((other) => other.player.subject).sort())
          for (const other of others) expectSame(client, other.player)
        }
      },
    ),
  )
})

function expectSame(client: ModelClient, player: Player) {
  const known = client.known.get(player.subject)
  expect(known).toMatchObject({
    wallet: player.wallet,
    sequence: player.sequence,
    profileVersion: player.profileVersion,
    emote: player.emote?.emoteId,
  })
  const { parcelIndex, rotationY = 0 } = known?.state ?? {}
  const at = offsetOf(player.sequence)
  expect([parcelIndex, rotationY]).toEqual([player.states[at + FIELD.parcel], player.states[at + FIELD.rotationY]])
  expect(STATE_LENGTH).toBe(FIELD_COUNT + 1)
}
