import { describe, expect, test } from 'vitest'
import { aServingCell } from '../../operator/desired/realm.fixtures.ts'
import { reportOf } from '../cluster/realm-report.ts'
import { diagnosisText } from '../doctor/diagnosis.ts'
import { aCluster, aCrd, aProgram, aSeenRealm, NOW, seenRealm } from '../doctor/fixtures.ts'
import { apiServerChecks, installationChecks } from '../doctor/installation-checks.ts'
import { realmChecks } from '../doctor/realm-checks.ts'
import type { Check, CheckState } from '../output/checks.ts'
import type { TableStyle } from '../output/table.ts'
import { realmTable } from './get.ts'
import { reportText } from './status.ts'
import type { TopData } from './top-data.ts'
import { topTable } from './top-table.ts'
import { versionText } from './version.ts'

// What people see, in terminals of three widths, with and without colours: look at a changed file as at a changed screen.

const stalled = aSeenRealm(
  { cells: { replicas: 2 }, exposure: { type: 'Ingress', host: 'realms.of-a-long-name.example.org' } },
  {
    Ready: ['False', 'CellsNotReady', '1 of 2 cells works'],
    Stalled: ['True', 'PodsFailing', 'main-1: connector: the image r.example/realm:1.2.3 cannot be pulled: manifest unknown'],
    DataDurable: ['False', 'EndsWithPod', 'bans end with the pod of the gatekeeper: set spec.gatekeeper.database.storage'],
  },
)
const settled = { ...aSeenRealm({ mode: 'City' }, { Published: ['True', 'ServedByProvider', 'served'] }) }
settled.metadata = { ...settled.metadata, name: 'a-realm-with-a-rather-long-name', creationTimestamp: '2026-05-30T12:00:00Z' }
// The revision is a hash of fields that may change with any commit.
const cells = [aServingCell(stalled, 0), aServingCell(stalled, 1, 'False')].map((each, slot) => ({
  ...each,
  spec: { ...each.spec, revision: `rev${slot}` },
}))

const outside = {
  ...{ url: 'wss://town.example.org', addresses: ['203.0.113.7', '2001:db8:0:1:2:3:4:7'], udpPort: 30_782, tcpPort: 30_781 },
}
const town = aSeenRealm({
  livekit: { type: 'Managed', service: { type: 'NodePort' } },
  exposure: { type: 'Gateway', host: 'town.example.org', tls: 'Terminated', gateway: { name: 'edge', namespace: 'infra' } },
})
town.metadata = { ...town.metadata, name: 'town' }
const [udp, tcp] = (['UDP', 'TCP'] as const).map((protocol) => ({ protocol, address: '203.0.113.7', port: 30_781 }))
const ofTown = seenRealm({
  realm: { ...town, status: { ...town.status, livekit: outside } },
  gateway: {
    gateway: {
      value: {
        ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'edge' } },
        spec: { listeners: [{ name: 'https', protocol: 'HTTPS', hostname: '*.example.org' }] },
      },
    },
    routes: { value: [] },
  },
  livekit: {
    signalling: { ok: true, status: 401, body: undefined },
    media: [udp, tcp].flatMap((port) => (port ? [{ port, answer: 'silent' as const }] : [])),
  },
})

const checks = [
  ...apiServerChecks(aCluster().apiServer),
  ...installationChecks(
    aCluster({
      leases: new Map(),
      realms: { value: [settled, stalled] },
      nodes: { unseen: 'nodes is forbidden: User "u" cannot list resource "nodes" at the cluster scope' },
    }),
  ),
  ...realmChecks(seenRealm({ realm: stalled }), NOW),
  ...realmChecks(ofTown, NOW),
]
const count = (state: CheckState) => checks.filter((check: Check) => check.state === state).length
const diagnosis = {
  client: '0.1.0',
  checks,
  summary: { ok: count('ok'), warning: count('warning'), failed: count('failed'), skipped: count('skipped') },
}

const rates = { joins: 1.25, leaves: 0, heartbeats: 1_240.4 }
const cell = (slot: number, players: number) => ({ slot, state: 'serving', players, islands: 12, ...rates })
const top: TopData = {
  at: '2026-06-01T12:00:00.000Z',
  ...{ players: 1_240, realmCount: 2, healthyCount: 1, answers: 3.5, refusals: 0 },
  slowest: { url: 'https://catalyst.of-a-long-name.example.org', milliseconds: 840 },
  realms: [
    {
      ...{ namespace: 'metaverse', name: 'main', realmName: 'main', mode: 'City', state: 'healthy', players: 1_240, islands: 24 },
      ...{ ...rates, answers: 3.5, refusals: 0, cells: [cell(0, 840), cell(1, 400)] },
    },
    {
      ...{
        namespace: 'metaverse',
        name: 'plaza',
        realmName: 'plaza-with-a-long-name.example',
        mode: 'World',
        state: 'not served',
      },
      ...{ players: null, islands: null, joins: null, leaves: null, heartbeats: null, answers: null, refusals: null, cells: [] },
    },
  ],
}
const use = {
  connectors: { ready: 2, wanted: 3 },
  saturation: 0.6204,
  cpuCores: 1.2345,
  memoryBytes: 1_234 * 2 ** 20,
  joinP99Seconds: 1.94,
  joinSuccess: 0.998,
}
const unknown = { connectors: null, saturation: null, cpuCores: null, memoryBytes: null, joinP99Seconds: null, joinSuccess: null }
const topOfCluster: TopData = {
  ...top,
  realms: top.realms.map((realm, at) =>
    at > 0 ? { ...realm, ...unknown } : { ...realm, ...use, cells: realm.cells.map((each) => ({ ...each, ...use })) },
  ),
}
const withoutUse = { cpuCores: null, memoryBytes: null }
/** Without a metrics API, and with a connector that does not answer. */
const partOfCluster: TopData = {
  ...topOfCluster,
  realms: topOfCluster.realms.map(({ cells, ...realm }) => ({
    ...{ ...realm, ...withoutUse },
    cells: cells.map((each) => ({ ...each, ...withoutUse })),
  })),
  notes: [
    'CPU and memory are not known: this cluster has no metrics API; metrics-server adds it (https://github.com/kubernetes-sigs/metrics-server).',
    'Joins are of 3 of 4 connectors: no answer: timed out',
  ],
}
const versions = {
  ...{ client: '0.1.0', apiServer: 'v1.34.4', unseen: [] },
  programs: [aProgram('operator', { version: '0.2.0' }), aProgram('provider')],
  crds: [aCrd('realms.comms.decentraland.org', { missingFields: ['spec.stats'] })],
  skews: [
    {
      between: 'client, operator',
      message: 'the operator realm-operator/realm-operator is 0.2.0, and this client 0.1.0',
      fix: 'npx --package realm-operator@0.2.0 realmctl …',
    },
  ],
}

const screens: Record<string, (style: TableStyle) => string> = {
  get: (style) => realmTable([settled, stalled], { allNamespaces: true, output: 'wide' }, NOW, style),
  status: (style) => reportText(reportOf(stalled, cells), style, NOW),
  top: (style) => topTable(top, 'players', style),
  'top-cluster': (style) => topTable(topOfCluster, 'players', style),
  'top-cluster-part': (style) => topTable(partOfCluster, 'players', style),
  doctor: (style) => diagnosisText(diagnosis, style),
  version: (style) => versionText(versions, style),
}

describe.for(Object.entries(screens))('%s', ([name, textOf]) => {
  test.for([60, 100, 160])('in %s columns', async (width) => {
    const text = textOf({ width })
    await expect(text).toMatchFileSnapshot(`golden/${name}-${width}.txt`)
    const isTooWide = (line: string) => line.length > width
    expect(text.split('\n').filter(isTooWide)).toEqual([])
  })

  test('with colours is the same text', async () => {
    const coloured = textOf({ width: 100, colours: true })
    await expect(coloured.replaceAll('\u001b', '␛')).toMatchFileSnapshot(`golden/${name}-100-colours.txt`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(textOf({ width: 100 }))
  })
})
