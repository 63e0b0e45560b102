import { Refusal } from '../../cells/chassis/errors.ts'
import { isUnreadableObject, KubeError } from '../../cells/kube/kube-error.ts'
import type { CommsCell, CommsCellStatus, Realm, RealmStatus } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import { gatekeeperRealmOf, isGuest } from '../../crds/world.ts'
import { isServed } from '../desired/hosted-worlds.ts'
import { atBalancer } from '../desired/load-balancer.ts'
import { mountsClaim } from '../desired/manifests/database-claim.ts'
import { type Ingress, withChallengePaths } from '../desired/manifests/ingress.ts'
import type { KubeManifest } from '../desired/manifests/kube-manifest.ts'
import { cellObjects, realmObjects } from '../desired/manifests/objects.ts'
import { serviceChanges } from '../desired/manifests/service-changes.ts'
import { worldsVersion } from '../desired/manifests/worlds.ts'
import { gatekeeperRouteName, livekitMediaName, proxyName } from '../desired/naming.ts'
import type { CellPlan, RealmPlan } from '../desired/plan.ts'
import type { Platform } from '../desired/platform.ts'
import type { LoadBalancerState } from '../observed/load-balancer.ts'
import type { ObservedRoute } from '../observed/route.ts'
import type { Component, ObservedCell, ObservedHost, ObservedRealm, Workload, WorkloadImage } from '../observed/workload.ts'
import type { CountPlayers } from '../observers/players/connector-players.ts'
import type { Cluster } from '../reconcile/cluster.ts'
import { isFormerIngress } from './apply/former-ingress.ts'
import { ensureSecrets } from './apply/generated-secrets.ts'
import { setDeletionCosts } from './apply/pod-deletion-cost.ts'
import type { RealmTokens } from './apply/realm-tokens.ts'
import type { Writer } from './apply/writer.ts'
import type { Cache } from './cache/cache.ts'
import { type Child, childKey, type WorkloadState } from './cache/child.ts'
import type { PodState } from './cache/pod-state.ts'

/** After this many server errors a pass ends, to give the API server a rest. */
const MAX_SERVER_ERRORS = 3

/** `countPlayers` is asked which connectors have the fewest players before some are removed. */
export interface KubernetesParts {
  cache: Cache
  writer: Writer
  platform: Platform
  countPlayers: CountPlayers
  /** Gives realms their tokens at the movement relay; undefined = none reports to one. */
  realmTokens?: RealmTokens | undefined
}

/** The Cluster port on a Kubernetes cluster. */
export class KubernetesCluster implements Cluster {
  readonly #parts: KubernetesParts

  constructor(parts: KubernetesParts) {
    this.#parts = parts
  }

  realm(key: Parameters<Cluster['realm']>[0]): Realm | undefined {
    return this.#atItsAddress(this.#parts.cache.realm(key))
  }

  cell(key: Parameters<Cluster['cell']>[0]): CommsCell | undefined {
    return this.#parts.cache.cell(key)
  }

  keys(kind: Kind): ReturnType<Cluster['keys']> {
    return this.#parts.cache.keys(kind)
  }

  onChange(listener: Parameters<Cluster['onChange']>[0]): () => void {
    const { cache, writer } = this.#parts
    const removers = [
      cache.onChange((kind, key) => {
        if (!(kind === 'Realm' ? cache.realm(key) : cache.cell(key))) writer.forget({ kind, ...key })
        listener(kind, key)
      }),
      writer.onRequeue(listener),
    ]
    return () => {
      for (const remove of removers) remove()
    }
  }

  observeRealm(realm: Realm): ObservedRealm {
    const { metadata } = realm
    const { cache } = this.#parts
    const cells = cache.cellsOf(metadata)
    const scaled = new Set(cells.filter((cell) => this.#isScaledByOthers(cell)).map((cell) => cell.metadata.name))
    return {
      cells,
      services: this.#workloadsOf(metadata.uid),
      scaled,
      images: this.#imagesOf(cells),
      addressTakenBy: cache.addresses.takenBy(realm),
      gatekeeperHostsTaken: cache.addresses.hostsTakenFrom(realm),
      guests: cache.worlds.guestsOf(metadata),
      livekitBalancer: cache.child({ kind: 'Service', namespace: metadata.namespace, name: livekitMediaName(realm) })?.balancer,
      publicBalancer: this.#publicBalancerOf(realm),
      routes: {
        routes: this.#routesOf(realm),
        hasGatewayApi: cache.serves('HTTPRoute'),
        parentExists: cache.routeParents.existsFor(realm),
      },
      ...(isGuest(realm) && { host: this.#hostOf(realm) }),
    }
  }

  #publicBalancerOf(realm: Realm): LoadBalancerState | undefined {
    return this.#parts.cache.child({ kind: 'Service', namespace: realm.metadata.namespace, name: proxyName(realm) })?.balancer
  }

  #atItsAddress(realm: Realm | undefined): Realm | undefined {
    return realm && atBalancer(realm, this.#publicBalancerOf(realm))
  }

  /** Those of the way in which the realm is exposed. */
  #routesOf({ metadata, spec }: Realm): ObservedRoute[] {
    const ofType = spec.exposure?.type === 'Gateway' ? 'HTTPRoute' : 'Ingress'
    return this.#parts.cache
      .childrenOf(metadata.uid ?? '')
      .flatMap(({ kind, name, route, deleting }) =>
        kind === ofType && route && !deleting ? [{ kind, name, answer: route }] : [],
      )
  }

  #hostOf(guest: Realm): ObservedHost | undefined {
    const { cache } = this.#parts
    const realm = this.realm({ namespace: guest.metadata.namespace, name: gatekeeperRealmOf(guest) })
    if (!realm || realm.metadata.deletionTimestamp) return undefined
    return {
      realm,
      gatekeeper: this.#workloadsOf(realm.metadata.uid).find(({ component }) => component === 'gatekeeper'),
      isAddressTaken: cache.addresses.takenBy(realm) !== undefined,
      serves: isServed(cache.worlds.hostingOf(realm), guest),
    }
  }

  observeCell({ metadata }: CommsCell): ObservedCell {
    const workloads = this.#workloadsOf(metadata.uid)
    return {
      connectors: workloads.find(({ component }) => component === 'connector'),
      archipelago: workloads.find(({ component }) => component === 'archipelago'),
    }
  }

  async realizeRealm(realm: Realm, plan: RealmPlan): Promise<readonly Component[]> {
    const { platform } = this.#parts
    await ensureSecrets(this.#parts, realm)
    await this.#parts.realmTokens?.ensure(realm, plan.cells)
    const objects = realmObjects(realm, plan, platform).filter((manifest) => !this.#isRoutingHeld(realm, manifest, plan))
    const isStillNeeded = isFormerIngress(this.#parts.cache, objects)
    const { manifests, held } = serviceChanges(objects, this.#workloadsOf(realm.metadata.uid), plan.servicesHold)
    const isHeldMedia = (name: string) => held.includes('livekit') && name === livekitMediaName(realm)
    await this.#settle(
      realm.metadata.uid ?? '',
      manifests.filter(({ metadata }) => !isHeldMedia(metadata.name)).map((manifest) => this.#withFieldsOfOthers(manifest)),
      (child) =>
        plan.retained.has(child.name) ||
        // A claim has data: a change of the spec must not delete it. It goes with its realm.
        child.kind === 'PersistentVolumeClaim' ||
        this.#isRoutingHeld(realm, child, plan) ||
        (child.name === proxyName(realm) && plan.servicesHold === 'RolloutPaused') ||
        isStillNeeded(child) ||
        // The ports of the Service are those that the running LiveKit names to players.
        isHeldMedia(child.name) ||
        // Until it can name its new address, it goes on with what it has.
        (plan.media.state === 'Waiting' && child.workload?.component === 'livekit') ||
        held.some((component) => component === child.workload?.component),
    )
    await this.#announceWorlds(realm, plan)
    return held
  }

  async realizeCell(cell: CommsCell, plan: CellPlan): Promise<void> {
    await setDeletionCosts(this.#parts, cell, plan.connectors.replicas)
    await this.#settle(cell.metadata.uid ?? '', cellObjects(cell, plan, this.#parts.platform))
  }

  async reportRealm({ metadata }: Realm, status: RealmStatus): Promise<void> {
    const { cache, writer } = this.#parts
    await writer.reportStatus('Realm', metadata, cache.realm(metadata)?.status, status)
  }

  async reportCell({ metadata }: CommsCell, status: CommsCellStatus): Promise<void> {
    const { cache, writer } = this.#parts
    await writer.reportStatus('CommsCell', metadata, cache.cell(metadata)?.status, status)
  }

  /** After the ConfigMap was written, to the pods to which these worlds were not announced yet. */
  async #announceWorlds({ metadata: { namespace, name } }: Realm, { services }: RealmPlan): Promise<void> {
    const hosting = services.find((service) => service.hosting)?.hosting
    if (!hosting) return
    const { cache, writer } = this.#parts
    const version = worldsVersion(hosting.worlds)
    const pods = cache.pods.podsOf({ kind: 'Realm', namespace, name }, 'gatekeeper')
    const outdated = pods.filter(({ worlds, terminating }) => worlds !== version && !terminating)
    await Promise.all(outdated.map((pod) => writer.announceWorlds(pod, version)))
  }

  /** Applies the desired objects of an owner, then removes its other objects except those to be retained. */
  async #settle(
    ownerUid: string,
    manifests: readonly KubeManifest[],
    isRetained: (child: Child) => boolean = () => false,
  ): Promise<void> {
    const { cache, writer } = this.#parts
    const missingClaims: string[] = []
    let failed: unknown
    let serverErrors = 0
    for (const manifest of manifests) {
      // Its pods could not start: those that run without the claim stay.
      if (missingClaims.some((claim) => mountsClaim(manifest, claim))) continue
      try {
        await writer.apply(manifest)
      } catch (error) {
        const { kind, metadata } = manifest
        if (kind === 'PersistentVolumeClaim' && !cache.child({ kind, ...metadata })) missingClaims.push(metadata.name)
        // An object that is refused, or a few server errors, must not keep the other objects from being applied; a server that
        // does not answer does.
        const isServerError = error instanceof KubeError && error.status >= 500
        if (!isAboutTheObject(error) && !(isServerError && ++serverErrors < MAX_SERVER_ERRORS)) throw error
        failed ??= error
      }
    }
    // Nothing is removed after a failure: an object that could not be changed may still need it.
    if (failed) throw failed
    const desired = new Set(manifests.map(({ kind, metadata }) => childKey({ kind, ...metadata })))
    for (const child of cache.childrenOf(ownerUid)) {
      if (!desired.has(childKey(child)) && !child.deleting && !isRetained(child)) await writer.remove(child)
    }
  }

  #workloadsOf(ownerUid: string | undefined): Workload[] {
    return this.#parts.cache.childrenOf(ownerUid ?? '').flatMap((child) => this.#workloadOf(child) ?? [])
  }

  #workloadOf(child: Child): Workload | undefined {
    const { workload, namespace, owner } = child
    if (!workload || !owner) return undefined
    const { component, desired, current, template, image } = workload
    const pods = this.#parts.cache.pods.podsOf({ ...owner, namespace }, component)
    const isMigrated = pods.some(({ migrated }) => migrated)
    const [updated, ready] = isMigrated ? [desired, desired] : [workload.updated, workload.ready]
    const problem = this.#problemOf(child, workload, pods)
    return { component, desired, current, updated, ready, existing: pods.length, ...(problem && { problem }), template, image }
  }

  /** Looked for until all pods of the current template are ready: during a rolling change the pods before may all be. */
  #problemOf({ kind, namespace, name, owner }: Child, workload: WorkloadState, pods: readonly PodState[]): Workload['problem'] {
    const { component, desired, updated, refused } = workload
    if (refused) return { code: 'PodsRefused', message: refused }
    if (updated >= desired || !owner) return undefined
    const { cache } = this.#parts
    const isPodMissing = pods.filter(({ terminating }) => !terminating).length < desired
    return (
      cache.pods.problemOf({ ...owner, namespace }, component) ??
      (isPodMissing ? cache.pods.creationProblemOf({ kind, namespace, name }) : undefined)
    )
  }

  /** What the connectors of each cell were made with. */
  #imagesOf(cells: readonly CommsCell[]): Map<string, WorkloadImage> {
    const images = new Map<string, WorkloadImage>()
    for (const { metadata } of cells) {
      const children = this.#parts.cache.childrenOf(metadata.uid ?? '')
      const image = children.find(({ workload }) => workload?.component === 'connector')?.workload?.image
      if (image) images.set(metadata.name, image)
    }
    return images
  }

  /** While a rollout is paused, cells keep the URLs they announce, so the Ingress or the HTTPRoutes keep routing them. */
  #isRoutingHeld(realm: Realm, { kind, ...object }: Child | KubeManifest, { servicesHold }: RealmPlan): boolean {
    const { namespace, name } = 'metadata' in object ? object.metadata : object
    const isOfCells = (kind === 'Ingress' || kind === 'HTTPRoute') && name !== gatekeeperRouteName(realm)
    return isOfCells && servicesHold === 'RolloutPaused' && this.#parts.cache.child({ kind, namespace, name }) !== undefined
  }

  #isScaledByOthers({ metadata }: CommsCell): boolean {
    return this.#parts.cache.child({ kind: 'CommsCell', ...metadata })?.scaledByOthers ?? false
  }

  /**
   * Leaves out the number of connectors of a cell that another client scales, and adds the paths that cert-manager added to an Ingress:
   * two managers of one field would overwrite each other for ever.
   */
  #withFieldsOfOthers(manifest: KubeManifest): KubeManifest {
    if (manifest.kind === 'Ingress')
      return withChallengePaths(
        manifest as Ingress,
        this.#parts.cache.child({ kind: 'Ingress', ...manifest.metadata })?.challengePaths ?? [],
      )
    if (manifest.kind !== 'CommsCell' || !this.#isScaledByOthers(manifest as CommsCell)) return manifest
    const { spec } = manifest as CommsCell
    const { replicas: _, ...connectors } = spec.connectors
    return { ...manifest, spec: { ...spec, connectors } } as KubeManifest
  }
}

const isAboutTheObject = (error: unknown): boolean =>
  error instanceof Refusal ||
  isUnreadableObject(error) ||
  (error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 429)
