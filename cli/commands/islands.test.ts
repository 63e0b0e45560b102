import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchJson } from '../../cells/chassis/fetch-json.ts'
import { aPeer, someCity } from '../island-map/fixtures.ts'
import { islandMap } from '../island-map/island-map.ts'
import { readMapData } from '../island-map/map-data.ts'
import { islands, REALM_LIMITS, withinTime } from './islands.ts'

const city = someCity(50)
const answers: Record<string, unknown> = {
  '/main/about': { configurations: { realmName: 'Main Street' } },
  '/main/stats/islands': { ok: true, ...city },
  '/main/stats/peers': { ok: true, peers: [aPeer(1_000, 3, 4)] },
  '/empty/stats/islands': { ok: true, islands: [] },
  '/strange/stats/islands': { islands: 'none' },
}
let folder: string
let url: string
let said: string[]
let printed: string
let close: () => void

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'islands-'))
  said = []
  printed = ''
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? '']
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'no' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  answers['/cluster/about'] = { comms: { adapter: `archipelago:archipelago:${url.replace('http', 'ws')}/main/cells/2/ws` } }
  close = () => {
    server.closeAllConnections()
    server.close()
  }
})
afterEach(async () => {
  close()
  await rm(folder, { recursive: true })
})

const run = (source: string, options: Parameters<typeof islands>[1]) =>
  islands(source, options, {
    ask: (place) => fetchJson(place, REALM_LIMITS),
    say: (sentence) => said.push(sentence),
    print: async (text) => {
      printed += text
    },
    now: () => new Date('2026-11-21T12:00:59Z'),
  })

test('a realm is drawn with its name, the time and the peers who are on no island', async () => {
  const file = join(folder, 'map.svg')
  await run(`${url}/main`, { output: file })
  const svg = await readFile(file, 'utf8')
  expect(svg).toContain('Main Street')
  expect(svg).toContain('2026-11-21 12:00 UTC')
  expect(svg).toContain('1 peer on no island, in grey.')
  expect(said).toEqual([`Wrote 51 peers on ${city.islands.length} islands to ${file}.`])
})

test('the realm is found by any of its URLs', async () => {
  const expected = new Set<string>()
  for (const path of ['/main', '/main/', '/main/about', '/main/stats', '/main/stats/', '/main/stats/islands?x#y']) {
    printed = ''
    await run(url + path, { output: '-' })
    expected.add(printed)
  }
  expect(expected.size).toBe(1)
  expect(said).toEqual([])
})

test('statistics that are not below the realm are found beside its cells', async () => {
  await run(`${url}/cluster`, { output: '-' })
  expect(printed).toContain(`on ${city.islands.length} islands`)
})

test('a realm without peers can be drawn', async () => {
  await run(`${url}/empty`, { output: '-' })
  expect(printed).toContain('There are no peers.')
})

test('a record gives the same map as the realm', async () => {
  const record = join(folder, 'record.json')
  await run(`${url}/main`, { output: record, json: true })
  await run(`${url}/main`, { output: '-' })
  const live = printed
  printed = ''
  await run(record, { output: '-' })
  expect(printed).toBe(live)
})

test('an answer of the statistics that another program saved is a record, too', async () => {
  const record = join(folder, 'curl.json')
  await writeFile(record, JSON.stringify(answers['/main/stats/islands']))
  await run(record, { output: '-' })
  expect(printed).toBe(islandMap(readMapData(city) ?? expect.fail('the city has islands')))
})

test('a realm that does not answer is named with every URL that was requested', async () => {
  await expect(run(`${url}/none`, {})).rejects.toMatchObject({
    exitCode: 4,
    message: `${url}/none does not list islands:\n  ${url}/none/stats/islands: status 404\n  ${url}/none/islands: status 404`,
  })
  await expect(run(`${url}/strange`, {})).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('/strange/stats/islands: the answer has no list of islands'),
  })
  close()
  await expect(run(`${url}/main`, {})).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining('ECONNREFUSED') })
})

test('for the URL of a realm provider the error lists its realms', async () => {
  answers['/realms'] = [{ serverName: 'main', url: `${url}/main` }, { url: 'no\u001b[31m url' }, 7]
  await expect(run(url, {})).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringMatching(/Its realms are:\n {2}http:[^ ]+\/main$/),
  })
})

test('a file that is not a record is refused', async () => {
  const file = join(folder, 'record.json')
  await expect(run(file, {})).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('cannot be read') })
  await writeFile(file, '<svg/>')
  await expect(run(file, {})).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('is not JSON') })
  await writeFile(file, '{"peers":[]}')
  await expect(run(file, {})).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('is not a record of islands'),
  })
  await expect(run('http://', {})).rejects.toMatchObject({ exitCode: 2 })
})

test('a file that cannot be written is an error', async () => {
  await expect(run(`${url}/main`, { output: join(folder, 'no', 'map.svg') })).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining('cannot be written'),
  })
})

test('all requests to a realm that is silent end within a quarter of a minute', async () => {
  let now = 100
  const silent = withinTime(
    async (_, timeoutMs) => {
      now += timeoutMs
      return { ok: false, reason: 'silent' }
    },
    () => now,
  )
  for (const place of ['about', 'stats/islands', 'islands', 'realms']) await silent(`http://realm.example/${place}`)
  expect(now - 100).toBeLessThan(15_010)
})
