import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import type { Realm } from '../../crds/realm.ts'
import { aRealm } from '../desired/realm.fixtures.ts'
import type { RemotePublication } from '../observers/publication/remote-publication.ts'
import type { Cluster } from './cluster.ts'
import { ensureFinalizer, FINALIZER, finalize } from './finalizer.ts'
import type { ReconcilerParts } from './parts.ts'

const providers = [{ url: 'https://realms.example.org', ttlSeconds: 60 }]

function aWorld(isWithdrawn = false) {
  const clock = new ManualClock()
  const written: (readonly string[])[] = []
  const cluster = {
    setFinalizers: async (_: Realm, finalizers: readonly string[]) => void written.push(finalizers),
  } as unknown as Cluster
  const world = { isWithdrawn }
  const remotePublication = { withdraw: () => world.isWithdrawn } as unknown as RemotePublication
  const deletedRealm = (finalizers: string[] = [FINALIZER]): Realm => {
    const realm = aRealm({ publication: { providers } })
    return { ...realm, metadata: { ...realm.metadata, finalizers, deletionTimestamp: new Date(clock.now()).toISOString() } }
  }
  return {
    clock,
    written,
    world,
    deletedRealm,
    cluster,
    parts: { cluster, remotePublication, clock } as unknown as ReconcilerParts,
  }
}

test('a realm has the finalizer only while it has remote providers', async () => {
  const { cluster, written } = aWorld()
  await ensureFinalizer(cluster, aRealm())
  expect(written).toEqual([])
  await ensureFinalizer(cluster, aRealm({ publication: { providers } }))
  expect(written).toEqual([[FINALIZER]])
  const realm = aRealm()
  await ensureFinalizer(cluster, { ...realm, metadata: { ...realm.metadata, finalizers: ['others/finalizer', FINALIZER] } })
  expect(written.at(-1)).toEqual([])
})

test('a realm loses its finalizer once its names are given back', async () => {
  const { world, written, parts, deletedRealm } = aWorld()
  const realm = deletedRealm()
  expect(await finalize(parts, realm)).toEqual({ afterMs: 30_000 })
  expect(written).toEqual([])
  world.isWithdrawn = true
  expect(await finalize(parts, realm)).toBe('on-change')
  expect(written).toEqual([[]])
})

test('an unreachable provider delays the deletion of a realm no longer than the deadline', async () => {
  const { clock, written, parts, deletedRealm } = aWorld()
  const realm = deletedRealm()
  await finalize(parts, realm)
  clock.advance(29_000)
  expect(await finalize(parts, realm)).toEqual({ afterMs: 1_000 })
  clock.advance(1_000)
  await finalize(parts, realm)
  expect(written).toEqual([[]])
})

test('finalizers of other controllers are left alone', async () => {
  const { written, parts, deletedRealm } = aWorld()
  expect(await finalize(parts, deletedRealm(['others/finalizer']))).toBe('on-change')
  expect(written).toEqual([])
})
