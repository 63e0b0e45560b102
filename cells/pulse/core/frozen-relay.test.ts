import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import { ModelClient, standingAt, walletOf } from './fixtures.ts'
import { FIELD } from './messages/avatar-state.ts'
import type { Player } from './player.ts'
import { Relay } from './relay.ts'

const TICK_MS = 50
/** The clock of the other process began at another time. */
const OTHER_CLOCK_MS = 987_654.25

interface Moving {
  client: ModelClient
  player: Player
}

/** A realm of players who move, in a relay that can be replaced. */
function aCrowd(count: number, spread = 8) {
  let relay = new Relay({ startedAtMs: 1_000, maxWallets: 200 })
  let nowMs = 1_000
  const crowd = Array.from({ length: count }, (_, i): Moving => {
    const client = new ModelClient(relay)
    const player = client.connect(walletOf(i), nowMs)
    relay.teleport(player, { state: standingAt(i * spread, 0), realm: 'Main' }, nowMs)
    return { client, player }
  })
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      nowMs += TICK_MS
      relay.tick(nowMs)
    }
  }
  const freeze = () => {
    const writer = new ByteWriter()
    relay.freeze(writer, nowMs)
    return Buffer.from(writer.finish())
  }
  const handOver = (stays: (index: number) => boolean = () => true) => {
    const reader = new ByteReader(freeze())
    nowMs += OTHER_CLOCK_MS
    relay = new Relay({ startedAtMs: nowMs, maxWallets: 200, frozen: reader })
    expect(reader.isAtEnd).toBe(true)
    for (const [i, each] of crowd.entries()) if (stays(i)) each.player = each.client.resume(relay, walletOf(i)) as Player
  }
  const walk = (index: number, x: number, z = 0) =>
    relay.input(crowd[index]?.player as Player, standingAt(x, z, { rotationY: 7 }), nowMs)
  return { crowd, pass, handOver, walk, freeze, relay: () => relay, now: () => nowMs }
}

test('what was not sent before a hand-over is sent after it, also of players who do not move any more', () => {
  const { crowd, pass, handOver, walk } = aCrowd(3)
  pass(1_000)
  walk(0, 5)
  handOver()
  pass(500)
  const { sequence } = crowd[0]?.player ?? {}
  expect(crowd.slice(1).map(({ client }) => client.of(walletOf(0))?.sequence)).toEqual([sequence, sequence])
})

const kindsAfter = (client: ModelClient, from: number) => client.received.slice(from).map((line) => line.split(' ')[0])

test('players who move are handed over in the middle, and their clients notice nothing', () => {
  const anyStep = fc.record({ who: fc.nat(5), x: fc.integer({ min: 0, max: 60 }), pause: fc.constantFrom(0, 50, 150) })
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 5, maxLength: 40 }), fc.nat(39), fc.integer(), (steps, at, seed) => {
      const { crowd, pass, handOver, walk, now } = aCrowd(6)
      pass(1_000)
      let random = seed >>> 0
      for (const { client } of crowd)
        client.arrives = () => {
          random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
          return random > 0.2 * 2 ** 32
        }
      const before = crowd.map(({ client }) => client.received.length)
      const startedAt = now()
      let offset = 0
      for (const [i, { who, x, pause }] of steps.entries()) {
        walk(who, x)
        pass(pause)
        if (i !== at % steps.length) continue
        handOver()
        offset = OTHER_CLOCK_MS
      }
      expect(now() - offset - startedAt).toBeLessThan(9_000)
      for (const { client } of crowd) client.arrives = () => true
      // A last step of each, so that no one is left with a loss that nothing shows.
      for (const i of crowd.keys()) walk(i, 61 + i)
      pass(1_000)
      for (const [i, { client }] of crowd.entries()) {
        expect(kindsAfter(client, before[i] ?? 0).filter((kind) => kind === 'playerJoined' || kind === 'playerLeft')).toEqual([])
        for (const [j, { player }] of crowd.entries()) {
          if (i === j) continue
          expect(client.of(player.wallet)?.sequence).toBe(player.sequence)
          expect(client.of(player.wallet)?.state.positionX).toBe(player.state()[FIELD.positionX] || undefined)
        }
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 60), seed: 20_261_128 },
  )
})

test('an emote that runs goes on, and ends when it would have ended', () => {
  const { crowd, pass, handOver, relay, now } = aCrowd(2)
  pass(1_000)
  const [a, b] = crowd as [Moving, Moving]
  relay().startEmote(a.player, { emoteId: 'wave', mask: 3, durationMs: 1_000 }, standingAt(0, 0), now())
  pass(400)
  handOver()
  expect(a.player.emote).toMatchObject({ emoteId: 'wave', mask: 3 })
  pass(500)
  expect(b.client.of(a.player.wallet)?.emote).toBe('wave')
  pass(300)
  expect(b.client.of(a.player.wallet)?.emote).toBeUndefined()
})

test('a player whose client does not go on leaves after the seconds in which it may come back', () => {
  const { crowd, pass, handOver } = aCrowd(2)
  pass(1_000)
  handOver((index) => index !== 1)
  const [{ client }] = crowd as [Moving]
  pass(4_000)
  expect(client.of(walletOf(1))).toBeDefined()
  pass(2_000)
  expect(client.of(walletOf(1))).toBeUndefined()
})

test('who left before its observers were told is gone for them afterwards, and keeps its number', () => {
  const { crowd, pass, handOver, relay, now } = aCrowd(2)
  pass(1_000)
  const [a, b] = crowd as [Moving, Moving]
  const { subject, sequence } = b.player
  relay().disconnect(b.player, b.client, 'left', now())
  handOver((index) => index === 0)
  pass(1_000)
  expect(a.client.received.at(-1)).toBe(`playerLeft ${subject}`)
  const again = relay().connect(walletOf(1), new ModelClient(relay()), undefined, now())
  expect(again.subject).toBe(subject)
  expect(again.sequence).toBeGreaterThanOrEqual(sequence)
})

test('bytes that end early, or are damaged, are an error and no endless loop', () => {
  const { pass, freeze } = aCrowd(3)
  pass(1_000)
  const frozen = freeze()
  const thaw = (bytes: Buffer) => new Relay({ startedAtMs: 0, maxWallets: 200, frozen: new ByteReader(bytes) })
  for (let length = 0; length < frozen.length; length += 97) expect(() => thaw(frozen.subarray(0, length))).toThrow(RangeError)
  for (let at = 0; at < frozen.length; at += 31) {
    const damaged = Buffer.from(frozen)
    damaged[at] = 0xff
    try {
      thaw(damaged).tick(1_000)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
    }
  }
})

test('a player in a crowd takes some kilobytes', () => {
  const { pass, freeze } = aCrowd(100, 1)
  pass(1_000)
  expect(freeze().length / 100).toBeLessThan(5_500)
})
