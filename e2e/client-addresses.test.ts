import { expect, test } from 'vitest'
import { readConfig } from '../cells/connector/config.ts'
import { aConnector } from '../cells/connector/fixtures.ts'
import type { RealmSpec } from '../crds/realm.ts'
import { aCell, aRealm } from '../operator/desired/realm.fixtures.ts'
import { connectorSettings } from '../operator/desired/settings.ts'
import { UpgradeRefused } from '../testing/player/socket.ts'

const LIMIT = 100
const ingress = { type: 'Ingress', host: 'main.example.org' } as const

/** A connector as the operator configures it for a realm, whose connections all come from one peer. */
function connectorOf(exposure: Partial<RealmSpec['exposure']>, peerAddress: string) {
  const settings = Object.entries(connectorSettings(aCell(aRealm({ exposure }))))
  const env = Object.fromEntries(settings.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  return aConnector({ ...readConfig(env), DRAIN_SECONDS: 0 }, { peerAddress })
}

/** How many of the clients get a connection; each has its own X-Forwarded-For. */
async function accepted(exposure: Partial<RealmSpec['exposure']>, peerAddress: string, forwarded: (string | undefined)[]) {
  const connector = await connectorOf(exposure, peerAddress)
  let count = 0
  for (const client of forwarded) {
    const headers = client === undefined ? {} : { 'x-forwarded-for': client }
    const outcome = await connector.socket({ headers }).catch((error: unknown) => error)
    if (outcome instanceof UpgradeRefused) expect(outcome.status).toBe(503)
    else count++
  }
  expect(await connector.metric('upgrades_refused_total{limit="address"}')).toBe(forwarded.length - count)
  return count
}

const clients = <T>(of: (n: number) => T, count = LIMIT + 1): T[] => Array.from({ length: count }, (_, n) => of(n))
const player = (n: number) => `203.0.113.${n}`

test('players behind a load balancer that hides their addresses are not limited', async () => {
  const hidden = clients(() => undefined)
  expect(await accepted({ type: 'None' }, '10.0.0.9', hidden)).toBe(LIMIT + 1)
  expect(await accepted(ingress, '10.0.0.9', hidden)).toBe(LIMIT + 1)
})

test('players behind a CDN in front of the Ingress are counted one by one where the realm declares the CDN', async () => {
  const throughCdn = clients((n) => `${player(n)}, 198.51.100.7`)
  expect(await accepted({ ...ingress, trustedProxies: { hops: 1 } }, '10.0.0.9', throughCdn)).toBe(LIMIT + 1)
  const cidrs = ['10.0.0.0/8', '198.51.100.0/24']
  expect(await accepted({ ...ingress, trustedProxies: { cidrs } }, '10.0.0.9', throughCdn)).toBe(LIMIT + 1)
  // Not declared, it could be a player who claims to be a CDN.
  expect(await accepted(ingress, '10.0.0.9', throughCdn)).toBe(LIMIT)
})

test('players behind an Ingress controller with a public address are counted one by one where the realm declares it', async () => {
  const forwarded = clients(player)
  expect(await accepted({ ...ingress, trustedProxies: { cidrs: ['25.0.0.0/8'] } }, '25.0.0.5', forwarded)).toBe(LIMIT + 1)
  expect(await accepted(ingress, '25.0.0.5', forwarded)).toBe(LIMIT)
})

test('players who share one public address are limited by the number of the realm', async () => {
  const school = clients(() => player(7))
  expect(await accepted(ingress, '10.0.0.9', school)).toBe(LIMIT)
  expect(await accepted({ ...ingress, maxConnectionsPerAddress: 200 }, '10.0.0.9', school)).toBe(LIMIT + 1)
  expect(await accepted({ ...ingress, maxConnectionsPerAddress: 5 }, '10.0.0.9', school)).toBe(5)
})

test('a client cannot avoid its limit by what it writes itself, behind an Ingress or without one', async () => {
  const claims = clients((n) => `192.0.2.${n}, ${player(7)}`)
  expect(await accepted(ingress, '10.0.0.9', claims)).toBe(LIMIT)
  expect(await accepted({ type: 'None' }, player(7), clients(player))).toBe(LIMIT)
  const network = clients((n) => `2001:db8::${n}`)
  expect(await accepted(ingress, '10.0.0.9', network)).toBe(LIMIT)
})
