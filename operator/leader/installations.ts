import type { Clock } from '../../cells/chassis/clock.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import { resources } from '../../cells/kube/resources.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { Realm, RealmStatus } from '../../crds/realm.ts'
import { ageMs } from '../observed/stamp.ts'
import { isFree, type LeaderLease } from './lease.ts'

/** An installation of the operator, by the Lease of its leader election, and how far it reaches. */
export type Installation = NonNullable<RealmStatus['operator']>

interface InstallationsOptions {
  self: Installation
  client: Pick<KubeClient, 'get'>
  clock: Clock
  /** Called once for each realm that this installation leaves to another one. */
  onLeft: (realm: Realm, other: Installation) => void
}

/** An installation whose Lease was not renewed for this long is gone; long enough for an upgrade of a single replica. */
export const GONE_AFTER_MS = 120_000
/** Between two looks at the Lease of another installation, whatever the number of its realms. */
export const LOOK_INTERVAL_MS = 15_000

interface SeenLease {
  /** The holder and the renewal time. */
  content: string
  /** When they last changed, by the monotonic clock. */
  changedAt: number
  lookedAt: number
}

/**
 * Decides which installation manages a realm, where several watch it: the one that the status of the realm names, while it is alive. An
 * installation for one namespace takes the realms of one for the whole cluster over.
 */
export class Installations {
  readonly self: Installation
  readonly #options: InstallationsOptions
  readonly #leases = new Map<string, SeenLease>()
  /** The realms left to other installations, with the Lease of each. */
  readonly #left = new Map<string, string>()

  constructor(options: InstallationsOptions) {
    this.#options = options
    this.self = options.self
  }

  /** The other installation that manages a realm; undefined when this one does. */
  async managerOf(realm: Realm): Promise<Installation | undefined> {
    const claim = realm.status?.operator
    const key = keyText(realm.metadata)
    const isOthers = claim !== undefined && claim.lease !== this.self.lease
    const isWeaker = this.self.scope === 'Namespace' && claim?.scope === 'Cluster'
    if (!isOthers || isWeaker || !(await this.#isAlive(claim.lease))) {
      this.#left.delete(key)
      return undefined
    }
    if (this.#left.get(key) !== claim.lease) this.#options.onLeft(realm, claim)
    this.#left.set(key, claim.lease)
    return claim
  }

  forget(realm: ObjectKey): void {
    this.#left.delete(keyText(realm))
  }

  /** Judged by how long no renewal was seen, or, for a Lease that was released, by when it was. */
  async #isAlive(name: string): Promise<boolean> {
    const { clock } = this.#options
    const now = clock.monotonic()
    const known = this.#leases.get(name)
    if (known && now - known.lookedAt < LOOK_INTERVAL_MS) return now - known.changedAt < GONE_AFTER_MS
    const lease = await this.#read(name)
    if (lease === 'unreadable') return true
    const { holderIdentity = '', renewTime = '' } = lease?.spec ?? {}
    const content = `${holderIdentity} ${renewTime}`
    const isLongReleased = isFree(lease) && !(ageMs(Date.parse(renewTime), clock.now()) < GONE_AFTER_MS)
    const changedAt = isLongReleased ? Number.NEGATIVE_INFINITY : known?.content === content ? known.changedAt : now
    this.#leases.set(name, { content, changedAt, lookedAt: now })
    return now - changedAt < GONE_AFTER_MS
  }

  async #read(name: string): Promise<LeaderLease | 'unreadable' | undefined> {
    const [namespace = '', lease = ''] = name.split('/')
    try {
      return await this.#options.client.get<LeaderLease>(resources.Lease, { namespace, name: lease })
    } catch (error) {
      if (isStatus(error, 403)) return 'unreadable'
      throw error
    }
  }
}
