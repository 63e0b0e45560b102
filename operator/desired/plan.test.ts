import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import { planCell, planRealm } from './plan.ts'
import { aRealm, aServingCell, site } from './realm.fixtures.ts'

const scaled = (replicas: number, max = 4) => aRealm({ cells: { replicas, max } })
const planOf = (realm: Realm, cells: CommsCell[] = []) => planRealm(realm, { cells, services: [] }, site)
const slotsOf = (realm: Realm, cells: CommsCell[] = []) => planOf(realm, cells).routes.map(({ cell }) => cell)

test('each slot below cells.replicas gets a cell, with all fields of the template', () => {
  const { cells } = planOf(scaled(2))
  expect(cells.map(({ metadata }) => metadata.name)).toEqual(['main-0', 'main-1'])
  expect(cells[1]).toMatchObject({
    metadata: { namespace: 'metaverse', ownerReferences: [{ kind: 'Realm', uid: 'realm-uid' }] },
    spec: {
      realmRef: { name: 'main' },
      slot: 1,
      url: 'ws://main-slot-1.metaverse.svc.cluster.local/cells/1',
      version: '1.2.3',
      connectors: { replicas: 1, drainSeconds: 30 },
      nats: {
        urls: ['nats://main-nats.metaverse.svc.cluster.local:4222'],
        credentials: { secretName: 'main-nats-users', user: 'cell_1' },
      },
      livekit: { url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } },
    },
  })
})

test('every slot is routed to its own cell, or else to one chosen by its number', () => {
  const cells = [aServingCell(scaled(2), 0), aServingCell(scaled(2), 1)]
  expect(slotsOf(scaled(2), cells)).toEqual(['main-0', 'main-1', 'main-0', 'main-1'])
  expect(slotsOf(scaled(1), cells.slice(0, 1))).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  expect(slotsOf(scaled(1), cells)).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
})

test('a hibernated realm has no cell and no route', () => {
  expect(planOf(scaled(0))).toMatchObject({ cells: [], routes: [], endpoints: [] })
})

test('a new cell gets its slot once it serves, not before', () => {
  expect(slotsOf(scaled(2), [aServingCell()])).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  expect(slotsOf(scaled(1))).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
})

test('an unhealthy cell keeps its slot, because its players would lose their islands in another cell', () => {
  const realm = scaled(2)
  const unhealthy: Realm = {
    ...realm,
    status: { endpoints: [{ slot: 1, adapter: '', cell: 'main-1', state: 'Serving' }] },
  }
  const cells = [aServingCell(realm, 0), aServingCell(realm, 1, 'False')]
  expect(slotsOf(unhealthy, cells)).toEqual(['main-0', 'main-1', 'main-0', 'main-1'])
})

test('whichever cells serve, every slot of a realm that is not hibernated is routed to one of its cells', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]),
      (replicas, more, serving) => {
        const realm = scaled(replicas, replicas + more)
        const cells = serving.filter((slot) => slot < replicas + more).map((slot) => aServingCell(realm, slot))
        const { routes, cells: planned } = planOf(realm, cells)
        const names = planned.map(({ metadata }) => metadata.name)
        expect(routes.map(({ slot }) => slot)).toEqual(Array.from({ length: replicas + more }, (_, slot) => slot))
        for (const { cell } of routes) expect(names).toContain(cell)
      },
    ),
    { numRuns: 50 },
  )
})

test('a realm without gatekeepers plans none, and always its statistics', () => {
  const { services } = planOf(aRealm({ gatekeeper: { replicas: 0 } }))
  expect(services.map(({ component, replicas }) => [component, replicas])).toEqual([
    ['gatekeeper', 0],
    ['stats', 1],
  ])
})

test('a cell is planned from its own spec alone', () => {
  const cell = aServingCell()
  cell.spec.connectors.replicas = 3
  expect(planCell(cell)).toMatchObject({
    connectors: { replicas: 3, settings: { BUS_SCOPE: 'metaverse.main.0' } },
    archipelago: { settings: { LIVEKIT_ISLAND_SIZE: '100' } },
  })
})
