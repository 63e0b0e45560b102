import { randomBytes } from 'node:crypto'
import { Refusal } from '../../cells/chassis/errors.ts'
import { isStatus, KubeError } from '../../cells/chassis/kube/kube-error.ts'
import type { KubeObject } from '../../cells/chassis/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/chassis/kube/resources.ts'
import type { Transport } from '../../cells/chassis/kube/transport.ts'
import type { Log } from '../../cells/chassis/log.ts'
import type { ObjectMeta } from '../../crds/object.ts'
import { API_VERSION, type Condition } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import type { Manifest, MintedSecret } from '../desired/manifest.ts'
import { MANAGER } from '../desired/naming.ts'
import type { Cache } from './cache.ts'
import { canonicalHash, fingerprintOf } from './canonical.ts'
import { type Child, childKey, childResources, isChildKind } from './child.ts'
import type { Leadership } from './leader.ts'
import type { Kind } from './ports.ts'

/** Somebody else leads, or may: nothing was written. */
export class NotLeading extends Error {
  constructor() {
    super('this operator does not lead at the moment')
    this.name = 'NotLeading'
  }
}

/** A status as we report it. */
interface Status {
  conditions?: Condition[]
}

/** The only one who writes to the cluster. Each verb first looks whether there is anything to write. */
export interface Writer {
  /** Makes an object be as it should. @throws Refusal FORBIDDEN when its name is taken by what is not ours */
  apply(manifest: Manifest): Promise<void>
  /** Makes a Secret up where none is; one that is there is neither read nor changed. */
  mint(secret: MintedSecret): Promise<void>
  /** Removes an object of ours; another one that came to its name is left alone. */
  remove(child: Child): Promise<void>
  /** Writes the status of an object people declared. */
  report(kind: Kind, metadata: ObjectMeta, before: Status | undefined, status: Status): Promise<void>
}

/** What a writer is made of. */
export interface WriterOptions {
  transport: Pick<Transport, 'apply' | 'create' | 'get' | 'remove'>
  cache: Pick<Cache, 'child' | 'reported' | 'writing'>
  leadership: Leadership
  log: Log
}

/** Writes what differs, under one field manager, and only while leading. */
export function createWriter({ transport, cache, leadership, log }: WriterOptions): Writer {
  /** Wishes the API server spells in its own way: what we wished, and what came of it. Both the same again = nothing to do. */
  const spelled = new Map<string, { wish: string; got: string }>()

  /** The last look before a write; its signal ends the write when leadership ends. */
  function term(): { signal: AbortSignal } {
    if (!leadership.isLeader()) throw new NotLeading()
    return { signal: leadership.signal }
  }

  async function applyNew(resource: Resource, manifest: Manifest): Promise<KubeObject> {
    try {
      return await transport.apply<KubeObject>(resource, manifest, { fieldManager: MANAGER, force: false, ...term() })
    } catch (error) {
      if (!isStatus(error, 409)) throw error
      const there = await transport.get<KubeObject>(resource, manifest.metadata)
      const mine = manifest.metadata.ownerReferences?.some(({ uid }) =>
        there?.metadata.ownerReferences?.some((owner) => owner.uid === uid),
      )
      const { namespace, name } = manifest.metadata
      if (there && !mine)
        throw new Refusal('FORBIDDEN', `${resource.kind} ${namespace}/${name} is there and was not made by this operator`, {
          cause: error,
        })
      return transport.apply<KubeObject>(resource, manifest, { fieldManager: MANAGER, force: true, ...term() })
    }
  }

  return {
    async apply(manifest) {
      const { kind } = manifest
      const { namespace, name, ownerReferences = [] } = manifest.metadata
      if (!isChildKind(kind)) throw new Error(`${kind} is no kind of ours to apply`)
      const key = childKey({ kind, namespace, name })
      const live = cache.child({ kind, namespace, name })
      if (live?.deleting) return // it comes back once it is gone, and its going wakes us
      const wish = fingerprintOf(manifest)
      const known = spelled.get(key)
      if (live && (live.fingerprint === wish || (known?.wish === wish && known.got === live.fingerprint))) return
      // By name, not by uid: what a realm of the same name left behind is taken over before it is collected.
      const isOurs = ownerReferences.some((owner) => owner.kind === live?.owner?.kind && owner.name === live.owner.name)
      await cache.writing(kind, { namespace, name }, () =>
        isOurs
          ? transport.apply<KubeObject>(childResources[kind], manifest, { fieldManager: MANAGER, force: true, ...term() })
          : applyNew(childResources[kind], manifest),
      )
      const got = cache.child({ kind, namespace, name })?.fingerprint ?? wish
      if (got === wish) spelled.delete(key)
      else spelled.set(key, { wish, got })
      log.info({ kind, namespace, name, created: !live }, 'applied an object')
    },

    async mint({ metadata, keys }) {
      // A letter first, so that no configuration file takes it for a number.
      const stringData = Object.fromEntries(keys.map((key) => [key, `k${randomBytes(20).toString('hex')}`]))
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData }
      try {
        await transport.create(resources.Secret, secret, { fieldManager: MANAGER, ...term() })
        log.info({ namespace: metadata.namespace, name: metadata.name }, 'made a Secret up')
      } catch (error) {
        if (!isStatus(error, 409)) throw error
      }
    },

    async remove({ kind, namespace, name, uid }) {
      await cache.writing(kind, { namespace, name }, async () => {
        try {
          await transport.remove(childResources[kind], { namespace, name }, { uid, ...term() })
        } catch (error) {
          if (!isStatus(error, 409)) throw error // 409: the one we meant is gone already
        }
        return undefined
      })
      spelled.delete(childKey({ kind, namespace, name }))
      log.info({ kind, namespace, name }, 'removed an object')
    },

    async report(kind, { namespace, name, uid }, before, status) {
      const dated = withKeptDates(status, before)
      const reported = cache.reported(kind, { namespace, name })
      if (reported === undefined || reported === canonicalHash(dated)) return
      const resource = kind === 'Realm' ? realmResource : cellResource
      // The uid makes sure that nobody else who came to the same name is meant.
      const body = { apiVersion: API_VERSION, kind, metadata: { name, namespace, ...(uid && { uid }) }, status: dated }
      const options = { fieldManager: MANAGER, force: true, subresource: 'status', ...term() } as const
      try {
        await cache.writing(kind, { namespace, name }, () => transport.apply<KubeObject>(resource, body, options))
      } catch (error) {
        if (!isGone(error)) throw error
      }
    },
  }
}

const isGone = (error: unknown): boolean => error instanceof KubeError && (error.status === 404 || error.status === 409)

/** A condition keeps its date for as long as its status stays: a pass that looked a little earlier must not cost a write. */
function withKeptDates(status: Status, before: Status | undefined): Status {
  if (!status.conditions) return status
  return {
    ...status,
    conditions: status.conditions.map((condition) => {
      const known = before?.conditions?.find(({ type }) => type === condition.type)
      return known?.status === condition.status ? { ...condition, lastTransitionTime: known.lastTransitionTime } : condition
    }),
  }
}
