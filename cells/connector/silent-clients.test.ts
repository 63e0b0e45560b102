import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { aWebServer } from '../../testing/web-server.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import type { SessionReport, SessionReportAnswer } from '../wire/session-report.ts'
import { aConnector, until } from './fixtures.ts'

const HERE = { x: 8, y: 1, z: 8 }
const THERE = { x: 500, y: 1, z: -300 }

/** A relay that knows some positions, and keeps what is reported. */
function aRelay() {
  const reports: SessionReport[] = []
  const relay = {
    reports,
    boot: 'first',
    isAway: false,
    positions: new Map<PeerId, Position>(),
    unreported: [] as PeerId[],
    report(report: SessionReport): SessionReportAnswer {
      if (relay.isAway) throw new Error('away')
      reports.push(report)
      const asked = report.silent.flatMap((peer) => {
        const position = relay.positions.get(peer)
        return position ? [[peer, position] as const] : []
      })
      return { relay: relay.boot, positions: new Map(asked), unreported: relay.unreported }
    },
    /** Everything that reports said of a wallet, in order. */
    said: (peer: PeerId) =>
      reports.flatMap((report) =>
        (['joined', 'held', 'silent', 'left', 'banned'] as const).filter((list) => report[list].includes(peer)),
      ),
  }
  return relay
}

async function aTokenFile(): Promise<string> {
  const file = join(freshFolder(), 'token')
  await writeFile(file, 'the-token\n')
  return file
}

async function aSilentPlayer(config = {}) {
  const relay = aRelay()
  const connector = await aConnector(config, { relay })
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      connector.clock.advance(500)
      await new Promise(setImmediate)
    }
  }
  const player = await connector.join()
  return { relay, connector, player, pass, positions: () => connector.positionsOf(player.peer) }
}

test('a client that sends no heartbeats is where the relay says, follows as it moves, and stays there', async () => {
  const { relay, connector, player, pass, positions } = await aSilentPlayer()
  relay.positions.set(player.peer, HERE)
  await pass(2_000)
  expect(positions()).toEqual([])
  await pass(3_000)
  expect(positions()).toEqual([HERE])
  expect(await connector.metric('players_silent')).toBe(1)
  relay.positions.set(player.peer, THERE)
  await pass(2_000)
  expect(positions()).toEqual([HERE, THERE])
  await pass(60_000)
  expect(positions().length).toBeGreaterThanOrEqual(4)
  expect(positions().slice(1)).toEqual(
    positions()
      .slice(1)
      .map(() => THERE),
  )
  expect(await connector.metric('heartbeats_total{outcome="relayed"}')).toBe(positions().length)
})

test('while the relay is away a silent client stays where it was, and a client of which nothing was known nowhere', async () => {
  const { relay, connector, player, pass, positions } = await aSilentPlayer()
  relay.positions.set(player.peer, HERE)
  await pass(6_000)
  relay.isAway = true
  const late = await connector.join()
  const before = positions().length
  await pass(60_000)
  expect(positions().length).toBeGreaterThanOrEqual(before + 2)
  expect(positions()).toEqual(positions().map(() => HERE))
  expect(connector.positionsOf(late.peer)).toEqual([])
  player.close()
  await until(() => expect(connector.topicsOf(player.peer)).toContain('disconnect'))
  const atTheEnd = positions().length
  await pass(60_000)
  expect(positions()).toHaveLength(atTheEnd)
})

test('a client that sends heartbeats is where it says, until it has been silent for ten seconds', async () => {
  const { relay, player, pass, positions } = await aSilentPlayer()
  relay.positions.set(player.peer, THERE)
  player.heartbeat(HERE)
  await until(() => expect(positions()).toEqual([HERE]))
  await pass(9_000)
  expect(positions()).toEqual([HERE])
  await pass(4_000)
  expect(positions()).toEqual([HERE, THERE])
  player.heartbeat(HERE)
  await until(() => expect(positions().at(-1)).toEqual(HERE))
  await pass(9_000)
  expect(positions().at(-1)).toEqual(HERE)
})

test('the relay learns of a session at its beginning, from time to time, and at its end', async () => {
  const { relay, connector, player, pass } = await aSilentPlayer()
  for (let i = 0; i < 25; i++) {
    player.heartbeat(HERE)
    await pass(1_000)
  }
  expect(relay.said(player.peer)).toEqual(['joined', 'held'])
  player.close()
  await until(() => expect(connector.topicsOf(player.peer)).toContain('disconnect'))
  await pass(3_000)
  expect(relay.said(player.peer)).toEqual(['joined', 'held', 'left'])
})

test('a wallet that the relay shows without a session is looked up twice a minute at most, and reported when it is banned', async () => {
  const [banned, other] = [createWallet(), createWallet()]
  let queries = 0
  const gatekeeper = await aWebServer((path) => {
    if (path === '/users/bans') queries++
    return { json: { data: { isBanned: false, banned: [banned.peer] } } }
  })
  const relay = aRelay()
  const connector = await aConnector({ COMMS_GATEKEEPER_URL: gatekeeper }, { relay })
  relay.unreported = [banned.peer, other.peer]
  const pass = async (ms: number) => {
    connector.clock.advance(ms)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await until(async () => {
    await pass(1_000)
    expect(relay.said(banned.peer)).toEqual(['banned'])
  })
  expect([relay.said(other.peer), queries]).toEqual([[], 1])
  relay.unreported = [other.peer]
  for (let i = 0; i < 10; i++) await pass(1_000)
  expect(queries).toBe(1)
  await until(async () => {
    await pass(10_000)
    expect(queries).toBe(2)
  })
})

test('a relay that has started anew gets all sessions and bans again', async () => {
  let banned = true
  const gatekeeper = await aWebServer(() => ({ json: { data: { isBanned: banned, banned: [] } } }))
  const relay = aRelay()
  const connector = await aConnector({ COMMS_GATEKEEPER_URL: gatekeeper }, { relay })
  const pass = async (ms: number) => {
    connector.clock.advance(ms)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const wallet = createWallet()
  await expect(connector.join({ wallet })).rejects.toThrow()
  banned = false
  const player = await connector.join()
  await until(async () => {
    await pass(1_000)
    expect([relay.said(wallet.peer), relay.said(player.peer).at(0)]).toEqual([['banned'], 'joined'])
  })
  relay.boot = 'second'
  const before = relay.said(player.peer).length
  await until(async () => {
    await pass(1_000)
    expect(relay.said(wallet.peer)).toEqual(['banned', 'banned'])
  })
  expect(['held', 'silent']).toContain(relay.said(player.peer)[before])
})

test('a connector without players reports that it is there, and not every second', async () => {
  const relay = aRelay()
  const connector = await aConnector({}, { relay })
  for (let second = 0; second < 60; second++) {
    connector.clock.advance(1_000)
    await new Promise(setImmediate)
  }
  expect(relay.reports.length).toBeGreaterThanOrEqual(5)
  expect(relay.reports.length).toBeLessThanOrEqual(7)
})

test('a relay that fails is asked less and less often', async () => {
  const { relay, connector, pass } = await aSilentPlayer()
  relay.isAway = true
  await pass(120_000)
  const failed = await connector.metric('session_reports_total{outcome="failed"}')
  expect(failed).toBeGreaterThan(4)
  expect(failed).toBeLessThan(15)
})

test.each([
  ['an error', () => ({ status: 503, json: {} })],
  ['no answer of ours', () => ({ json: { positions: [] } })],
  ['an endless answer', () => ({ json: { relay: 'r', positions: {}, padding: 'x'.repeat(1_000_000) } })],
])('%s of the relay changes nothing', async (_, answer) => {
  const url = await aWebServer(answer)
  const connector = await aConnector({ MOVEMENT_URL: `${url}/realms/main`, MOVEMENT_TOKEN_FILE: await aTokenFile() })
  const player = await connector.join()
  await until(async () => {
    connector.clock.advance(1_500)
    expect(await connector.metric('session_reports_total{outcome="failed"}')).toBeGreaterThan(1)
  })
  expect(connector.topicsOf(player.peer)).toEqual(['connect'])
})

test('of an answer only finite positions of silent sessions of this connector count', async () => {
  const forged: Record<string, unknown> = {}
  const url = await aWebServer(() => ({ json: { relay: 'r', positions: forged } }))
  const connector = await aConnector({ MOVEMENT_URL: `${url}/realms/main`, MOVEMENT_TOKEN_FILE: await aTokenFile() })
  const [anna, ben, carl] = await Promise.all([connector.join(), connector.join(), connector.join()])
  forged[anna.peer] = [1, 2, 3]
  forged[ben.peer] = [1, null, 3]
  forged[carl.peer] = { length: 3 }
  forged['0x00000000000000000000000000000000000000aa'] = [1, 2, 3]
  for (let rounds = 0; rounds < 50 && connector.positionsOf(anna.peer).length === 0; rounds++) {
    connector.clock.advance(1_300)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(connector.positionsOf(anna.peer)).toEqual([{ x: 1, y: 2, z: 3 }])
  expect(connector.published.filter(({ topic }) => topic === 'heartbeat').map(({ peer }) => peer)).toEqual([anna.peer])
})
