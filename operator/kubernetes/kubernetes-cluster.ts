import { Refusal } from '../../cells/chassis/errors.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { CommsCell } from '../../crds/realm.ts'
import type { Manifest, MintedSecret } from '../desired/manifests/manifest.ts'
import { cellObjects, mintedSecrets, realmObjects } from '../desired/manifests/objects.ts'
import type { Platform } from '../desired/platform.ts'
import type { Workload } from '../observed/workload.ts'
import type { CountPlayers } from '../observers/players/connector-players.ts'
import type { Cluster } from '../reconcile/cluster.ts'
import { setDeletionCosts } from './apply/pod-deletion-cost.ts'
import type { Writer } from './apply/writer.ts'
import type { Cache } from './cache/cache.ts'
import { type Child, childKey } from './cache/child.ts'

/** So often an API server may stumble before a pass gives it a rest. */
const MAX_TROUBLES = 3

/** What a cluster is made of. */
export interface KubernetesParts {
  cache: Cache
  writer: Writer
  platform: Platform
  countPlayers: CountPlayers
}

/** A Kubernetes cluster as the reconcilers wish it were. */
export function kubernetesCluster({ cache, writer, platform, countPlayers }: KubernetesParts): Cluster {
  async function settle(
    ownerUid: string,
    manifests: readonly Manifest[],
    spared: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    let failed: unknown
    let troubles = 0
    for (const manifest of manifests) {
      try {
        await writer.apply(manifest)
      } catch (error) {
        // One object nobody takes is no reason to withhold the others, nor is a server that stumbles; one that does not answer is.
        const stumbled = error instanceof KubeError && error.status >= 500
        if (!isAboutTheObject(error) && !(stumbled && ++troubles < MAX_TROUBLES)) throw error
        failed ??= error
      }
    }
    // What goes may still be needed by what could not be changed.
    if (failed) throw failed
    const wanted = new Set(manifests.map(({ kind, metadata }) => childKey({ kind, ...metadata })))
    for (const child of cache.childrenOf(ownerUid)) {
      if (!wanted.has(childKey(child)) && !child.deleting && !spared.has(child.name)) await writer.remove(child)
    }
  }

  /** A Secret is there for as long as what needs it runs; asking the API server would mean to read it. */
  function isMissing({ metadata, neededBy }: MintedSecret): boolean {
    const workload = cache.child({ ...neededBy, namespace: metadata.namespace })
    return !workload || workloadOf(workload)?.problem?.code === 'SecretMissing'
  }

  function workloadOf(child: Child): Workload | undefined {
    const { workload, namespace, owner } = child
    if (!workload || !owner) return undefined
    const { component, wanted, updated, ready, refused } = workload
    const problem = refused
      ? ({ code: 'PodsRefused', message: refused } as const)
      : ready < wanted
        ? cache.problemOf({ ...owner, namespace }, component)
        : undefined
    const existing = cache.podsOf({ ...owner, namespace }, component).length
    return { component, wanted, updated, ready, existing, ...(problem && { problem }) }
  }

  const workloadsOf = (uid: string | undefined) => cache.childrenOf(uid ?? '').flatMap((child) => workloadOf(child) ?? [])

  const isScaled = ({ metadata }: CommsCell) => cache.child({ kind: 'CommsCell', ...metadata })?.scaledByOthers ?? false

  /** A cell as we apply it. How many connectors it has is not ours to say once somebody else scaled it: two who say so never agree. */
  function withoutTakenScale(manifest: Manifest): Manifest {
    if (manifest.kind !== 'CommsCell' || !isScaled(manifest as CommsCell)) return manifest
    const { spec } = manifest as CommsCell
    const { replicas: _, ...connectors } = spec.connectors
    return { ...manifest, spec: { ...spec, connectors } } as Manifest
  }

  return {
    realm: cache.realm,
    cell: cache.cell,
    keys: cache.keys,
    onChange(listener) {
      const endings = [
        cache.onChange((kind, key) => {
          if (!(kind === 'Realm' ? cache.realm(key) : cache.cell(key))) writer.forget({ kind, ...key })
          listener(kind, key)
        }),
        writer.onRequeue(listener),
      ]
      return () => {
        for (const end of endings) end()
      }
    },
    observeRealm({ metadata }) {
      const cells = cache.cellsOf(metadata)
      const scaled = new Set(cells.filter(isScaled).map((cell) => cell.metadata.name))
      return { cells, services: workloadsOf(metadata.uid), scaled }
    },
    observeCell({ metadata }) {
      const workloads = workloadsOf(metadata.uid)
      return {
        connectors: workloads.find(({ component }) => component === 'connector'),
        archipelago: workloads.find(({ component }) => component === 'archipelago'),
      }
    },
    async realizeRealm(realm, plan) {
      for (const secret of mintedSecrets(realm)) if (isMissing(secret)) await writer.createSecret(secret)
      const manifests = realmObjects(realm, plan, platform).map(withoutTakenScale)
      await settle(realm.metadata.uid ?? '', manifests, plan.spared)
    },
    async realizeCell(cell, plan) {
      await setDeletionCosts({ cache, writer, countPlayers }, cell, plan.connectors.replicas)
      await settle(cell.metadata.uid ?? '', cellObjects(cell, plan, platform))
    },
    setFinalizers: ({ metadata }, finalizers) => writer.setFinalizers(metadata, finalizers),
    reportRealm: ({ metadata }, status) => writer.reportStatus('Realm', metadata, cache.realm(metadata)?.status, status),
    reportCell: ({ metadata }, status) => writer.reportStatus('CommsCell', metadata, cache.cell(metadata)?.status, status),
  }
}

const isAboutTheObject = (error: unknown): boolean =>
  error instanceof Refusal || (error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 429)
