import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import type { PeerId } from '../wire/peer.ts'
import { watchBans } from './ban-sweep.ts'
import type { Bans } from './bans.ts'

const [ana, ben] = [`0x${'a'.repeat(40)}`, `0x${'b'.repeat(40)}`] as const satisfies PeerId[]
const settled = () => new Promise<void>(setImmediate)

/** A sweep over two wallets, with bans that answer as the test says. */
async function aSweep() {
  const source = {
    version: '1' as string | undefined,
    isComplete: true,
    banned: new Set<PeerId>(),
    kickedAgoMs: new Map<PeerId, number>(),
  }
  const [asked, ended, older]: [(string | undefined)[], PeerId[], [PeerId, number][]] = [[], [], []]
  const clock = new ManualClock()
  const bans: Bans = {
    isBanned: async () => false,
    version: async () => source.version,
    bannedOf: async (peers, version) => {
      expect(peers).toEqual([ana, ben])
      asked.push(version)
      return { banned: source.banned, kickedAgoMs: source.kickedAgoMs, isComplete: source.isComplete }
    },
  }
  const running = watchBans({
    ...{ bans, clock, log: silentLog, intervalMs: 80_000_000 },
    connected: () => [ana, ben, ana],
    end: (peer) => ended.push(peer) > 0,
    endOlder: (peer, beforeMs) => older.push([peer, beforeMs]) > 0,
  })
  onTestFinished(() => running.stop())
  await settled()
  /** Lets one look at the version happen, with its jitter. */
  const look = async (ms = 400) => {
    clock.advance(ms)
    await settled()
  }
  asked.length = 0
  return { source, asked, ended, older, look, clock }
}

test('wallets are looked up when the version of the bans changes, and not again', async () => {
  const { source, asked, ended, look } = await aSweep()
  await look()
  expect(asked).toEqual([])
  source.version = '2'
  source.banned.add(ben)
  await look()
  await look()
  expect([asked, ended]).toEqual([['2'], [ben]])
})

test('a change is looked at again until the answer about the wallets is complete', async () => {
  const { source, asked, look } = await aSweep()
  source.version = '2'
  source.isComplete = false
  await look()
  await look()
  source.isComplete = true
  await look()
  await look()
  expect(asked).toEqual(['2', '2', '2'])
})

test('a gatekeeper without a version is asked for one seldom', async () => {
  const { source, asked, look } = await aSweep()
  source.version = undefined
  await look()
  source.version = '2'
  await look(3_000)
  expect(asked).toEqual([])
  await look(4_000)
  expect(asked).toEqual(['2'])
})

test('of a kicked wallet ends what is older than the kick, by the clock of this process', async () => {
  const { source, ended, older, look, clock } = await aSweep()
  source.version = '1.1'
  source.kickedAgoMs.set(ana, 250)
  await look()
  expect([ended, older]).toEqual([[], [[ana, clock.monotonic() - 250]]])
})
