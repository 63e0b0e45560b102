import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { fetchJson } from '../../cells/chassis/fetch-json.ts'
import { anEndpoint, aProvider, aRealm, aService } from '../../cells/realm-provider/fixtures.ts'
import { aStats, peerId, publishers } from '../../cells/stats/fixtures.ts'
import { type TopPorts, top } from './top.ts'
import type { TopData, TopRealm } from './top-data.ts'
import { topTable } from './top-table.ts'

const LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 }

/** What a command printed, and its side effects; `given` replaces some. */
function aReader(given: Partial<TopPorts> = {}) {
  const printed: string[] = []
  const ports: TopPorts = {
    env: {},
    ask: (url, authorization) => fetchJson(url, { ...LIMITS, ...(authorization && { authorization }) }),
    print: async (text) => void printed.push(text),
    screen: () => undefined,
    pause: async () => false,
    ...given,
  }
  return { printed, ports, last: () => printed.at(-1) ?? '' }
}

/** A realm provider with the realm `main`, whose statistics have three players on two islands of cell 1. */
async function aRealmWithPlayers(context: TestContext, config = {}) {
  const stats = await aStats(context, { BUS_SCOPE: 'ns.main.*' })
  const cell = publishers(stats.bus, 'ns.main.1')
  const beat = () => {
    for (const n of [1, 2, 3]) cell.heartbeat(peerId(n), [8, 0, 8])
    cell.discovery(stats.clock.now(), 3)
  }
  beat()
  cell.islands({ id: 'I1', peers: [peerId(1), peerId(2)] }, { id: 'I2', peers: [peerId(3)] })
  const statsUrl = new URL((await stats.get('/status')).url).origin
  const provider = await aProvider(context, { config })
  provider.source.set(aRealm({ statsUrl, endpoints: [anEndpoint(0, 'Draining'), anEndpoint(1)] }))
  provider.source.set(aRealm({ name: 'asleep', replicas: 0, endpoints: [] }))
  /** Lets seconds pass in which every player sends a heartbeat each second. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      beat()
      await stats.get('/status')
      stats.clock.advance(1_000)
      provider.clock.advance(1_000)
      for (let answer = 0; answer < 3; answer++) await provider.json('/realms')
    }
  }
  return { ...provider, pass }
}

test('realms and their cells are shown with their players, islands and what happens in them', async (context) => {
  const { url, pass } = await aRealmWithPlayers(context)
  const { ports, last } = aReader()
  await pass(12)
  await top(`${url}/console/`, {}, ports)
  const [summary, titles, ...rows] = last().trimEnd().split('\n')
  expect(summary).toMatch(/^3 players, 1 of 2 realms healthy, /)
  expect(titles).toMatch(/^REALM +STATE +PLAYERS +ISLANDS +JOINS\/S +LEAVES\/S +HEARTBEATS\/S +ANSWERS\/S +REFUSALS\/S$/)
  expect(rows).toEqual([
    expect.stringMatching(/^main +healthy +3 +2 +0 +0 +\d[\d.]* /),
    expect.stringMatching(/^ {2}cell 1 +serving +3 +2 +0 +0 +\d[\d.]* +- +-$/),
    expect.stringMatching(/^asleep +hibernated +- +-/),
  ])
  await top(url, { output: 'json', realm: 'realms/main' }, ports)
  const { realms } = JSON.parse(last()) as TopData
  expect(realms).toMatchObject([
    { realmName: 'main', players: 3, islands: 2, cells: [{ slot: 1, state: 'serving', players: 3 }] },
  ])
  expect(realms[0]?.heartbeats).toBeGreaterThan(0)
})

test('a console behind a token is read with the token, and refuses without', async (context) => {
  const { url } = await aRealmWithPlayers(context, { CONSOLE: 'Token', CONSOLE_TOKEN: 'the-token-of-the-console' })
  const { ports, last } = aReader()
  await expect(top(url, {}, ports)).rejects.toMatchObject({
    message: `${url} refuses (401): give the token of its console with --token-file, or set CONSOLE_TOKEN.`,
    exitCode: 1,
  })
  await top(url, {}, { ...ports, env: { CONSOLE_TOKEN: 'the-token-of-the-console' } })
  expect(last()).toMatch(/^\d+ players, /)
})

test.for([
  ['a URL that is none', 'main', {}, 2, 'main is no URL: expected http://… or https://….'],
  ['a provider that is away', 'http://127.0.0.1:1', {}, 4, /^http:\/\/127\.0\.0\.1:1 does not answer: ./],
  ['a token file that is not there', 'http://127.0.0.1:1', { tokenFile: '/nowhere/token' }, 2, /\/nowhere\/token cannot be read/],
] as const)('%s is named', async ([, provider, options, exitCode, message]) => {
  await expect(top(provider, options, aReader().ports)).rejects.toMatchObject({
    exitCode,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })
})

test('what is no console, and a realm that is not there, are named', async (context) => {
  const { url, state } = await aService(context)
  const { ports } = aReader()
  const isNone = { exitCode: 4, message: expect.stringMatching(/^http:\S+ is no realm provider with a console: /) }
  await expect(top(url, {}, ports)).rejects.toMatchObject(isNone)
  for (const answer of [null, [], {}, { at: 1, set: {} }, { at: 1, set: { summary: { players: 'many' } } }]) {
    state.answers['/console/snapshot'] = answer
    await expect(top(url, {}, ports)).rejects.toMatchObject(isNone)
  }
  const provider = await aProvider({ onTestFinished })
  await expect(top(provider.url, { realm: 'nowhere' }, ports)).rejects.toMatchObject({
    exitCode: 2,
    message: `${provider.url} has no realm nowhere.`,
  })
})

test('with --watch it is shown again, also while the provider is away, until the output has no reader', async (context) => {
  const { url } = await aProvider(context)
  let round = 0
  const { ports, printed } = aReader({
    ask: async (asked) => (round === 1 ? { ok: false, reason: 'it restarts' } : fetchJson(asked, LIMITS)),
    pause: async (seconds) => {
      expect(seconds).toBe(5)
      return ++round < 3
    },
  })
  await top(url, { watch: 5 }, ports)
  expect(printed).toHaveLength(3)
  expect(printed[1]).toMatch(/^0 players, [\s\S]*does not answer: it restarts The table is of \d{4}-\d\d-\d\dT/)
  expect(printed[2]).not.toContain('restarts')
  round = 0
  await top(url, { watch: 5, output: 'json' }, ports)
  expect(printed.slice(3).map((line) => Object.keys(JSON.parse(line) as object).includes('problem'))).toEqual([
    false,
    true,
    false,
  ])
})

const aTopRealm = (given: Partial<TopRealm> = {}): TopRealm => ({
  ...{ namespace: 'realms', name: 'main', realmName: 'main', mode: 'City', state: 'healthy', players: 12_345, islands: 200 },
  ...{ joins: 1.25, leaves: 0, heartbeats: 12_345.6, answers: 2, refusals: null },
  cells: [{ slot: 0, state: 'serving', players: 12_345, islands: 200, joins: 1.25, leaves: 0, heartbeats: 12_345.6 }],
  ...given,
})
const topData = (...realms: TopRealm[]): TopData => ({
  ...{ at: '2026-01-01T00:00:00Z', players: 12_345, realmCount: realms.length, healthyCount: 1, answers: 2, refusals: 0 },
  slowest: { url: 'https://peer.example.org', milliseconds: 40 },
  realms,
})

test('no line is wider than the terminal: the least important columns are left out, then names shortened', () => {
  const data = topData(aTopRealm({ realmName: 'a-realm-with-a-very-long-name-indeed' }))
  for (const width of [200, 120, 100, 80, 60, 40, 24]) {
    const lines = topTable(data, 'players', { width, colours: false }).trimEnd().split('\n')
    for (const line of lines) expect(line.length, `${width}: ${line}`).toBeLessThanOrEqual(width)
    expect(lines[1]).toContain('PLAYERS')
    expect(lines[2]).toContain('12,345')
  }
  expect(topTable(data, 'players', { width: 80, colours: false })).toMatch(/STATE +PLAYERS/)
})

test('realms are sorted by a column, and lines that do not fit the terminal are counted', () => {
  const realms = [1, 3, 2].map((players) => aTopRealm({ realmName: `r${players}`, players, joins: 9 - players }))
  const names = (order: 'players' | 'joins' | 'name') =>
    [...topTable(topData(...realms), order, { colours: false }).matchAll(/^(r\d)/gm)].map(([, name]) => name)
  expect([names('players'), names('joins'), names('name')]).toEqual([
    ['r3', 'r2', 'r1'],
    ['r1', 'r2', 'r3'],
    ['r1', 'r2', 'r3'],
  ])
  const short = topTable(topData(...realms), 'players', { height: 8, colours: false })
    .trimEnd()
    .split('\n')
  expect([short.length, short.at(-1)]).toEqual([7, '… and 2 more'])
})

test('states have colours where the terminal has, and no name moves the cursor', async (context) => {
  const evil = topTable(topData(aTopRealm({ realmName: 'a\u001b[2J\nb', state: 'unhealthy' })), 'players', { colours: true })
  expect(evil).toContain('\na [2J b  ')
  const sequences = evil.split('\u001b').slice(1)
  expect(sequences.map((sequence) => sequence.slice(0, 4))).toEqual(['[31m', '[39m', '[32m', '[39m'])
  const { url } = await aProvider(context)
  const { ports, last } = aReader({ screen: () => ({ columns: 80, rows: 24, colours: true }) })
  const provider = await aRealmWithPlayers(context)
  await top(provider.url, {}, ports)
  expect(last()).toContain('\u001b[32m')
  await top(provider.url, {}, { ...ports, screen: () => ({ columns: 80, rows: 24, colours: false }) })
  expect(last()).not.toContain('\u001b')
  await top(url, { watch: 2 }, ports)
  expect(last().startsWith('\u001b[H')).toBe(true)
})
