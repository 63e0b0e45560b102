import { expect, test } from 'vitest'
import { aWebServer } from '../../testing/web-server.ts'
import type { PeerId } from '../wire/peer.ts'
import { gatekeeperBans } from './bans.ts'

const peers = Array.from({ length: 5_000 }, (_, n) => `0x${n.toString(16).padStart(40, '0')}` as PeerId)
const [first, second] = peers as [PeerId, PeerId]
const single = (path: string, banned: readonly string[]) => ({
  json: { data: { isBanned: banned.includes(path.split('/')[2] ?? '') } },
})

test('all players of a connector are looked up with one query per thousand, however many of them are banned', async () => {
  const paths: string[] = []
  const url = await aWebServer((path) => {
    const from = 1_000 * (paths.push(path) - 1)
    return { json: { data: { banned: peers.slice(from, from + 1_000) } } }
  })
  const { banned, isComplete } = await gatekeeperBans(url).bannedOf(peers)
  expect([banned.size, banned.has(first), isComplete]).toEqual([peers.length, true, true])
  expect(paths).toEqual(Array.from({ length: 5 }, () => '/users/bans'))
})

test('a gatekeeper that takes no such query is asked about each player', async () => {
  const some = peers.slice(0, 50)
  const url = await aWebServer((path) => (path === '/users/bans' ? { status: 404, json: {} } : single(path, [second])))
  expect(await gatekeeperBans(url).bannedOf(some)).toMatchObject({ banned: new Set([second]), isComplete: true })
})

test('while the gatekeeper fails, a few requests find that out, and bans that are known stay', async () => {
  const paths: string[] = []
  let fails = false
  const url = await aWebServer((path) => {
    paths.push(path)
    return fails ? { status: 503, json: {} } : path === '/users/bans' ? { json: { data: { banned: [first] } } } : single(path, [])
  })
  const bans = gatekeeperBans(url)
  expect(await bans.bannedOf(peers)).toMatchObject({ banned: new Set([first]), isComplete: true })
  fails = true
  paths.length = 0
  expect(await bans.bannedOf(peers)).toMatchObject({ banned: new Set([first]), isComplete: false })
  expect(paths).toHaveLength(1 + 20)
  fails = false
  expect(await bans.isBanned(first)).toBe(false)
  fails = true
  expect(await bans.bannedOf(peers)).toMatchObject({ banned: new Set(), isComplete: false })
})

test('an answer of another version of the bans, as a replica gives that has not read them yet, is not the last word', async () => {
  const url = await aWebServer(() => ({ json: { data: { banned: [], version: '1' } } }))
  const bans = gatekeeperBans(url)
  const isComplete = async (version: string) => (await bans.bannedOf([first], version)).isComplete
  expect([await isComplete('1'), await isComplete('2')]).toEqual([true, false])
})

test('kicks that are none are left out', async () => {
  const kicked = [{ address: first, secondsAgo: 1.5 }, { address: second }, { address: 'ana', secondsAgo: 1 }, null, 7]
  const url = await aWebServer(() => ({ json: { data: { banned: [], kicked } } }))
  expect([...(await gatekeeperBans(url).bannedOf(peers.slice(0, 2))).kickedAgoMs]).toEqual([[first, 1_500]])
  const other = await aWebServer(() => ({ json: { data: { banned: [], kicked: 'none' } } }))
  expect((await gatekeeperBans(other).bannedOf(peers.slice(0, 2))).kickedAgoMs.size).toBe(0)
})
