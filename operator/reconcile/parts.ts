import type { Clock } from '../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../crds/object.ts'
import type { Site } from '../desired/site.ts'
import type { Dependencies } from '../observers/dependencies/dependencies.ts'
import type { Census } from '../observers/players/census.ts'
import type { JoinWatch } from '../observers/players/join-success-rate.ts'
import type { Elsewhere } from '../observers/publication/elsewhere.ts'
import type { Publication } from '../observers/publication/publication.ts'
import type { Probe } from '../observers/synthetic-join/probe.ts'
import type { Cluster } from './cluster.ts'
import type { Recheck } from './queue.ts'
import type { ScaleMetrics } from './scale-metrics.ts'

/** What reconcilers work with. */
export interface ReconcilerParts {
  cluster: Cluster
  site: Site
  publication: Publication
  /** Realm providers of other clusters, where there are any. */
  remotePublication?: Elsewhere | undefined
  /** Who looks at what realms depend on, if anybody does. */
  dependencies?: Dependencies | undefined
  /** Who counts players; without, cells are chosen by their number. */
  playerCounts?: Census | undefined
  /** Who joins new cells; without, the probes of their pods are trusted. */
  syntheticJoins?: Probe | undefined
  /** Who watches how it goes for players in new cells; without, nobody judges that. */
  joinSuccess?: JoinWatch | undefined
  /** Made by `scaleMetrics`, when somebody counts. */
  scaling?: ScaleMetrics | undefined
  clock: Clock
}

/** Settles one object; which event woke it is unknown on purpose. The signal ends a pass that may no longer write. */
export type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<Recheck>
