import { afterEach, expect, test, vi } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { Refusal } from '../../cells/chassis/errors.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { type CommsCell, type CommsCellStatus, conditionOf, type Realm, type RealmStatus } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import { aRealm, aServingCell, site } from '../desired/realm.fixtures.ts'
import type { PublicationStatus } from '../observed/publication-status.ts'
import type { RealmObserver } from '../observers/observer.ts'
import type { Cluster } from './cluster.ts'
import { startReconcilers } from './loop.ts'

const aboutUrl = 'http://realm-provider/main/about'

/** A cluster with the objects of the test, which records the calls it gets. */
function aWorld(given: { realm?: Realm; cell?: CommsCell }) {
  const clock = new ManualClock()
  const world = {
    ...given,
    calls: [] as string[],
    realmStatus: undefined as RealmStatus | undefined,
    cellStatus: undefined as CommsCellStatus | undefined,
    realize: async () => {},
    published: { state: 'serving', aboutUrl } as PublicationStatus,
    change: (_kind: Kind, _key: ObjectKey) => {},
    publish: (_key: ObjectKey) => {},
    forgotten: [] as string[],
    compared: [] as (Realm['status'] | undefined)[],
  }
  const realize = async (what: string) => {
    world.calls.push(`realize ${what}`)
    await world.realize()
  }
  const cluster: Cluster = {
    realm: () => world.realm,
    cell: () => world.cell,
    keys: (kind) => {
      const object = kind === 'Realm' ? world.realm : world.cell
      return object ? [object.metadata] : []
    },
    observeRealm: () => ({ cells: world.cell ? [world.cell] : [], services: [] }),
    observeCell: () => ({ connectors: undefined, archipelago: undefined }),
    realizeRealm: () => realize('realm').then(() => []),
    realizeCell: () => realize('cell'),
    reportRealm: async (_, status) => {
      world.calls.push('report realm')
      world.realmStatus = status
    },
    reportCell: async (_, status) => {
      world.calls.push('report cell')
      world.cellStatus = status
    },
    onChange: (listener) => {
      world.change = listener
      return () => {
        world.change = () => {}
      }
    },
  }
  const publication: RealmObserver<PublicationStatus> = {
    watch: ({ status }) => void world.compared.push(status),
    get: () => world.published,
    forget: ({ name }) => void world.forgotten.push(name),
    onChange: (listener) => {
      world.publish = listener
      return () => {}
    },
  }
  const loop = startReconcilers({ cluster, site, publication, clock, log: silentLog })
  const settle = async () => {
    await vi.waitFor(() => expect(loop.idle).toBe(true))
    return world.calls.splice(0)
  }
  cleanups.push(() => loop.stop())
  return { world, loop, clock, settle }
}
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})
const key = { namespace: 'metaverse', name: 'main' }
const cellKey = { namespace: 'metaverse', name: 'main-0' }

test('every object gets a pass at the start: realized first, then reported', async () => {
  const { settle } = aWorld({ realm: aRealm() })
  expect(await settle()).toEqual(['realize realm', 'report realm'])
})

test('a changed or deleted cell causes a pass of its realm too', async () => {
  const { world, settle } = aWorld({ realm: aRealm(), cell: aServingCell() })
  await settle()
  world.change('CommsCell', cellKey)
  expect((await settle()).sort()).toEqual(['realize cell', 'realize realm', 'report cell', 'report realm'])
  delete world.cell
  world.change('CommsCell', cellKey)
  expect(await settle()).toEqual(['realize realm', 'report realm'])
})

test('a change of what the provider serves causes a pass, and it is compared with the endpoints of that pass', async () => {
  const { world, settle } = aWorld({ realm: aRealm(), cell: aServingCell() })
  await settle()
  expect(world.compared.at(-1)?.endpoints).toMatchObject([{ state: 'Serving' }])
  world.published = { state: 'absent', aboutUrl }
  world.publish(key)
  await settle()
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Published')).toMatchObject({ status: 'False' })
})

test('a failure is reported before it is retried, and until a pass succeeds', async () => {
  const { world, clock, settle } = aWorld({ realm: aRealm() })
  await settle()
  world.realize = () => Promise.reject(new KubeError('apply Service main-stats', 503, { message: 'shutting down' }))
  world.change('Realm', key)
  expect(await settle()).toEqual(['realize realm', 'report realm'])
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Progressing')).toMatchObject({ status: 'True', reason: 'Retrying' })
  world.realize = async () => {}
  clock.advance(5)
  expect(await settle()).toEqual(['realize realm', 'report realm'])
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Progressing')).not.toMatchObject({ reason: 'Retrying' })
})

test('the end of a refusal that nothing announces is in the status within half a minute, however long it lasted', async () => {
  const { world, clock, settle } = aWorld({ realm: aRealm() })
  const quota = new KubeError('apply Deployment main-stats', 403, { message: 'forbidden: exceeded quota: q' })
  world.realize = () => Promise.reject(quota)
  for (let minute = 0; minute < 120; minute++) {
    await settle()
    clock.advance(60_000)
  }
  await settle()
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Stalled')).toMatchObject({ status: 'True', reason: 'ApplyRefused' })
  world.realize = async () => {}
  clock.advance(30_000)
  await settle()
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Stalled')).toMatchObject({ status: 'False' })
})

test.each([
  ['a request the API server always refuses', new KubeError('apply Service main-stats', 422, { message: 'spec is invalid' })],
  ['missing rights', new KubeError('apply Service main-stats', 403, { message: 'forbidden' })],
  ['a refusal by the operator', new Refusal('INVALID', 'not on this machine')],
])('%s stalls the realm with the message', async (_, thrown) => {
  const { world, settle } = aWorld({ realm: aRealm() })
  await settle()
  world.realize = () => Promise.reject(thrown)
  world.change('Realm', key)
  await settle()
  expect(conditionOf({ status: world.realmStatus ?? {} }, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'ApplyRefused',
    message: thrown.message,
  })
})

test('a cell without a bus is not realized where cells are several processes', async () => {
  const cell = aServingCell()
  delete cell.spec.nats
  const { world, settle } = aWorld({ cell })
  expect(await settle()).not.toContain('realize cell')
  expect(conditionOf({ status: world.cellStatus ?? {} }, 'Stalled')).toMatchObject({ status: 'True', reason: 'BusMissing' })
})

test('a realm that is deleted or being deleted is forgotten, not realized', async () => {
  const deleted = aRealm()
  deleted.metadata.deletionTimestamp = '2026-11-21T08:00:00Z'
  const { world, settle } = aWorld({ realm: deleted })
  expect(await settle()).toEqual([])
  expect(world.forgotten).toEqual(['main'])
})

test('a pass that ends after the loop has stopped writes no status', async () => {
  const { world, loop, settle } = aWorld({ realm: aRealm() })
  await settle()
  let release = () => {}
  world.realize = () =>
    new Promise((resolve) => {
      release = resolve
    })
  world.change('Realm', key)
  await vi.waitFor(() => expect(world.calls).toEqual(['realize realm']))
  const stopped = loop.stop()
  release()
  await stopped
  expect(world.calls).toEqual(['realize realm'])
})
