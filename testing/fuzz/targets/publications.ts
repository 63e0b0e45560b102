import fc from 'fast-check'
import { edited, editedJson, hostileText, jsonEdits, type TextEdit, textEdits } from '../generators.ts'
import { type FuzzedServices, ownRealm, tokens } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

type Role = keyof typeof tokens | 'stranger'

interface Call {
  role: Role
  port: 'provider' | 'peers'
  method: 'GET' | 'PUT' | 'DELETE'
  path: string
  headers: Readonly<Record<string, string>>
  body: string
  edits: readonly TextEdit[]
}

const NAMES = [
  'main',
  'alpha-1',
  'alpha-2',
  'beta-1',
  'both-1',
  'other',
  'alpha-',
  'realms',
  'console',
  '__proto__',
  'constructor',
  'a%2fb',
  '%zz',
]

const document = {
  publisher: '0f0c5a3e-7c1b-4a51-9d4e-000000000001',
  realm: { namespace: 'realms', name: 'east' },
  ttlSeconds: 60,
  version: '1.0.0',
  endpoints: [{ slot: 0, adapter: 'archipelago:archipelago:wss://east.example/cells/0/ws', cell: 'east-0', state: 'Serving' }],
  content: {
    catalysts: [],
    networkId: 1,
    scenesUrn: ['urn:decentraland:entity:bafy?=&baseUrl=https://x/'],
    globalScenesUrn: [],
    map: { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] },
  },
  statsUrl: 'https://east.example/stats',
}
const leaseOf = (name: string) => ({
  realmName: name,
  account: 'alpha',
  document,
  etag: '"abcdefgh"',
  epoch: 0,
  since: 1_700_000_000_000,
  remainingMs: 60_000,
})

const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...NAMES) }, hostileText.map(encodeURIComponentOf))

/** Lone surrogates have no encoding. */
function encodeURIComponentOf(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

const headerValue = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('*', '"abcdefgh"', '0', '1', '999999999999999', '-1', '1e3', '"a", "b"', 'W/"abcdefgh"'),
  },
  hostileText.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')),
)

const isRight = <Value>(right: Value, ...others: Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...others) })

/** Calls of one role at the port that is for it, mostly. */
const callOf = (role: Role): fc.Arbitrary<Call> =>
  fc
    .record({
      port: role === 'replica' ? isRight<Call['port']>('peers', 'provider') : isRight<Call['port']>('provider', 'peers'),
      suffix: role === 'replica' ? isRight('/replica', '') : isRight('', '/replica'),
      method: fc.constantFrom<Call['method']>('GET', 'PUT', 'PUT', 'PUT', 'DELETE'),
      name: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(`${role}-1`, 'both-1') }, name),
      headers: fc.dictionary(fc.constantFrom('if-match', 'if-none-match', 'publication-epoch'), headerValue, { maxKeys: 3 }),
      isNew: isRight(true, false),
      changes: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, jsonEdits(2)),
      edits: fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, textEdits(2)),
    })
    .map(({ name: realm, suffix, isNew, headers, changes, ...rest }) => ({
      ...rest,
      role,
      path: `/publications/${realm}${suffix}`,
      headers: isNew ? { 'if-none-match': '*' } : headers,
      body: JSON.stringify(editedJson(suffix ? leaseOf(realm) : document, changes)) ?? '',
    }))

const call = fc.constantFrom<Role>('alpha', 'beta', 'replica', 'stranger').chain(callOf)

const isGranted = ({ role, port, path }: Call): boolean => {
  if (port === 'peers') return role === 'replica'
  return (
    (role === 'alpha' || role === 'beta') && new RegExp(`^/publications/(${role}|both)-[^/]*$`).test(decodeURIComponent(path))
  )
}

async function send(services: FuzzedServices, given: Call): Promise<void> {
  const { role, port, method, path, headers, body, edits } = given
  const authorization = role === 'stranger' ? 'Bearer wrong' : `Bearer ${tokens[role]}`
  const text = edited(body, edits)
  const response = await fetch(`${services.urls[port]}${path}`, {
    method,
    headers: { ...headers, authorization },
    ...(method === 'PUT' && { body: text }),
  })
  await response.arrayBuffer()
  if (response.status >= 500 && response.status !== 503) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
  if (response.ok && !isGranted(given)) throw new Error(`${role} may ${method} ${path} at ${port}: ${response.status}`)
}

/** The names that are leased, and ends each lease, so that the next input finds the same state. */
async function takeLeases(services: FuzzedServices): Promise<{ realmName: string; account: string }[]> {
  const headers = { authorization: `Bearer ${tokens.replica}` }
  const leases = (await (await fetch(`${services.urls.peers}/publications`, { headers })).json()) as {
    realmName: string
    account: string
  }[]
  for (const { realmName } of leases)
    await fetch(`${services.urls.peers}/publications/${realmName}/replica`, { method: 'DELETE', headers })
  return leases
}

/** Publications and leases of publishers, of replicas and of strangers. */
export const publications = fuzzTarget<readonly Call[]>({
  name: 'publications',
  inputs: fc.array(call, { minLength: 1, maxLength: 6 }),
  inputsInSuite: 200,
  start: async (services) =>
    sharedTarget(services, async (calls) => {
      for (const each of calls) await send(services, each)
      for (const path of ['/realms', '/alpha-1/about', '/beta-1/about', '/both-1/about', '/hot-scenes']) {
        const { status } = await fetch(services.urls.provider + path)
        if (status >= 500) throw new Error(`${path} answered ${status}`)
      }
      const about = (await (await fetch(`${services.urls.provider}/${ownRealm.name}/about`)).json()) as {
        comms: { adapter: string }
      }
      if (about.comms.adapter !== ownRealm.adapter) throw new Error(`a publisher took the name of a realm of this cluster`)
      const leases = await takeLeases(services)
      // Replicas are trusted with the account of a lease.
      if (calls.some(({ role, port }) => role === 'replica' && port === 'peers')) return
      const foreign = leases.find(({ realmName, account }) => !realmName.startsWith(account) && !realmName.startsWith('both-'))
      if (foreign) throw new Error(`${foreign.account} took the name ${foreign.realmName}`)
    }),
})
