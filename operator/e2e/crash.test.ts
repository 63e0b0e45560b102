import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { InMemoryApiServer } from '../../testing/apiserver/in-memory-api-server.ts'
import { runPodsAtOnce } from '../../testing/apiserver/instant-pods.ts'
import type { StoredObject } from '../../testing/apiserver/server-side-apply.ts'
import { aRealm, platform, site } from '../desired/realm.fixtures.ts'
import { Writer } from '../kubernetes/apply/writer.ts'
import { Cache } from '../kubernetes/cache/cache.ts'
import { KubernetesCluster } from '../kubernetes/kubernetes-cluster.ts'
import { soleLeadership } from '../leader/leadership.ts'
import { alwaysServing, aPlayerCounter } from '../observers/fixtures.ts'
import type { RemotePublication } from '../observers/publication/remote-publication.ts'
import { startReconcilers } from '../reconcile/loop.ts'

/** A realm provider of another cluster that leases every name, and accepts every name back. */
const remotePublication: RemotePublication = {
  watch: () => {},
  get: () => [],
  mayRouteTo: () => false,
  withdraw: () => {},
  forget: () => {},
  onChange: () => () => {},
}

/** The same number of players all the time. */
const playerCounts = aPlayerCounter(() => new Map([0, 1].map((slot) => [slot, 450])))

/**
 * A simulated cluster whose pods run at once, and operators in it that die on request.
 *
 * @param like another one: this one begins with its objects, at its time
 */
function aWorld(like?: { clock: ManualClock; apiServer: InMemoryApiServer }) {
  const clock = new ManualClock(like?.clock.now())
  const apiServer = new InMemoryApiServer(clock, like?.apiServer)
  runPodsAtOnce(apiServer)

  /** An operator that dies after a number of writes: the last one is done, its response never arrives, and nothing follows. */
  async function anOperator(writesToLive = Number.POSITIVE_INFINITY) {
    const life = { writes: 0, over: writesToLive === 0 }
    const never = new Promise<never>(() => {})
    const alive = apiServer.client(async () => {
      life.writes++
      if (life.writes >= writesToLive) life.over = true
      if (life.over) await never
    })
    const unlessDead =
      <Arguments extends unknown[], Answer>(ask: (...rest: Arguments) => Promise<Answer>) =>
      (...rest: Arguments): Promise<Answer> =>
        life.over ? never : ask(...rest)
    const client = {
      ...alive,
      create: unlessDead(alive.create),
      apply: unlessDead(alive.apply),
      remove: unlessDead(alive.remove),
    } as typeof alive
    const cache = new Cache({ client, log: silentLog, clock })
    const writer = new Writer({ client, cache, leadership: soleLeadership, log: silentLog, clock })
    const cluster = new KubernetesCluster({ cache, writer, platform, countPlayers: async () => new Map() })
    cache.start()
    await cache.synced
    const loop = startReconcilers({
      cluster,
      site,
      publication: alwaysServing,
      remotePublication,
      playerCounts,
      clock,
      log: silentLog,
    })
    return { life, loop, end: () => (life.over ? cache.stop() : loop.stop().then(() => cache.stop())) }
  }

  /** Lets an operator work until nothing changes for a minute, or it died. Returns the number of its writes. */
  async function live(writesToLive?: number): Promise<{ writes: number; died: boolean }> {
    const { life, loop, end } = await anOperator(writesToLive)
    for (let quiet = 0; quiet < QUIET_STEPS && !life.over; quiet++) {
      const before = apiServer.changes
      for (let turn = 0; turn < 10 || (!loop.idle && !life.over && turn < 1000); turn++) await new Promise(setImmediate)
      if (apiServer.changes !== before) quiet = 0
      clock.advance(STEP_MS)
    }
    await end()
    return { writes: life.writes, died: life.over }
  }

  const declare = (realm: Realm) =>
    apiServer.client().apply(realmResource, realm as unknown as StoredObject & { metadata: { name: string } }, {
      fieldManager: 'user',
      force: true,
    })
  const withdraw = () => apiServer.client().remove(realmResource, { namespace: 'metaverse', name: 'main' })
  return { clock, apiServer, live, declare, withdraw, objects: () => apiServer.objects().map(withoutChance) }
}
const STEP_MS = 2000
const QUIET_STEPS = 30

/** An object without the fields that depend on when and how often it was written. */
function withoutChance(object: StoredObject): object {
  const { resourceVersion, uid, generation, managedFields, creationTimestamp, ...metadata } = object.metadata
  const { stringData, ...rest } = object as StoredObject & { stringData?: object }
  const text = JSON.stringify({ ...rest, metadata, ...(stringData && { keys: Object.keys(stringData) }) })
  return JSON.parse(
    text.replaceAll(/"(lastTransitionTime|changedAt)":"[^"]*"/g, '"$1":""').replaceAll(/uid-\d+/g, 'uid'),
  ) as object
}

const { uid: _, generation: __, ...metadata } = aRealm().metadata
const bare: Realm = { ...aRealm(), metadata }
const leased: Realm = {
  ...bare,
  spec: { ...bare.spec, publication: { providers: [{ url: 'https://elsewhere', ttlSeconds: 60 }] } },
}
const grown: Realm = { ...aRealm({ version: '2.0.0', nats: { type: 'External', urls: ['nats://nats:4222'] } }), metadata }
grown.spec.cells.replicas = 2

const autoscale = {
  playersPerConnector: 150,
  connectors: { min: 1, max: 3 },
  cells: { min: 1, max: 2 },
  scaleDownAfterSeconds: 300,
}
const crowded: Realm = { ...bare, spec: { ...bare.spec, cells: { ...bare.spec.cells, capacity: 400 }, autoscale } }

const stories: {
  name: string
  begin(world: ReturnType<typeof aWorld>): Promise<void>
  turn(world: ReturnType<typeof aWorld>): Promise<unknown>
}[] = [
  { name: 'a realm is created', begin: async () => {}, turn: ({ declare }) => declare(bare) },
  {
    name: 'a realm is changed',
    async begin({ declare, live }) {
      await declare(bare)
      await live()
    },
    turn: ({ declare }) => declare(grown),
  },
  {
    name: 'a realm grows with its players',
    async begin({ declare, live }) {
      await declare(bare)
      await live()
    },
    turn: ({ declare }) => declare(crowded),
  },
  {
    name: 'a realm gets a remote publication',
    async begin({ declare, live }) {
      await declare(bare)
      await live()
    },
    turn: ({ declare }) => declare(leased),
  },
]

for (const { name, begin, turn } of stories) {
  test(`an operator that dies after any write while ${name} is followed by one that ends in the same state`, async () => {
    const turned = aWorld()
    await begin(turned)
    await turn(turned)
    const undisturbed = aWorld(turned)
    const { writes } = await undisturbed.live()
    expect(writes).toBeGreaterThan(0)
    const expected = undisturbed.objects()
    for (let survived = 0; survived <= writes; survived++) {
      const world = aWorld(turned)
      const { died } = await world.live(survived)
      expect(died, `died after write ${survived}`).toBe(true)
      await world.live()
      expect(world.objects(), `after write ${survived} of ${writes}`).toEqual(expected)
    }
  }, 120_000)

  test(`operators that die after a single write each finish together while ${name}, and the last one finds nothing to do`, async () => {
    const undisturbed = aWorld()
    await begin(undisturbed)
    await turn(undisturbed)
    const { writes } = await undisturbed.live()
    const world = aWorld()
    await begin(world)
    await turn(world)
    let lives = 0
    while ((await world.live(1)).died) expect(++lives, 'lives').toBeLessThan(3 * writes + 10)
    expect(world.objects()).toEqual(undisturbed.objects())
    expect((await world.live()).writes).toBe(0)
  }, 120_000)
}

test('a changed realm ends in the same state as one that was declared so from the start', async () => {
  const [changed, fresh] = [aWorld(), aWorld()]
  await changed.declare(bare)
  await changed.live()
  await changed.declare(grown)
  await changed.live()
  await fresh.declare(grown)
  await fresh.live()
  // The order of fields is not part of an object: one that was away meanwhile comes last.
  const sorted = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort())
      : value
  // Generated Secrets are never removed: their passwords may be in use. A cell that replaced another has its own name.
  const lasting = (objects: object[]) =>
    objects
      .filter((object) => !('keys' in object))
      .map((object) =>
        JSON.stringify(object, sorted)
          .replaceAll(/"observedGeneration":\d+/g, '"observedGeneration":0')
          .replaceAll(/\bmain-(\d)-[a-z0-9]{6}\b/g, 'main-$1'),
      )
      .sort()
  expect(lasting(changed.objects())).toEqual(lasting(fresh.objects()))
})

test('the scenarios cover enough: creation takes many writes, a change some, and deletion leaves nothing behind', async () => {
  const world = aWorld()
  await world.declare(bare)
  expect((await world.live()).writes).toBeGreaterThan(15)
  expect(world.objects().length).toBeGreaterThan(15)
  await world.declare(grown)
  expect((await world.live()).writes).toBeGreaterThan(10)
  await world.withdraw()
  await world.live()
  expect(world.objects()).toEqual([])
})
