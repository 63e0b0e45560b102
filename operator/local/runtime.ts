import type { Readiness } from '../../cells/chassis/health.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import type { CellPlan, RealmPlan, ServicePlan } from '../desired/plan.ts'

/** A cell to run, and how. */
export interface CellRunSpec {
  cell: CommsCell
  plan: CellPlan
}

/** A service of a realm to run, and how. */
export interface ServiceRunSpec {
  realm: Pick<Realm, 'metadata'>
  plan: ServicePlan
}

/** A cell or service that runs. Stopping it is graceful: a cell drains first. */
export interface RunningPart<Spec> extends Running {
  readiness(): Readiness
  /** Applies a changed spec without disconnecting players. False = it must be started again instead, and nothing was changed. */
  update(spec: Spec): Promise<boolean>
}

/** Runs cells and services in this process. What a start throws becomes a condition, and the start is retried. */
export interface LocalRuntime {
  /** One process runs the whole cell, however many connectors it asks for. */
  startCell(spec: CellRunSpec): Promise<RunningPart<CellRunSpec>>
  startService(spec: ServiceRunSpec): Promise<RunningPart<ServiceRunSpec>>
  /**
   * Routes the stable URL of each slot of a realm to a cell; open sockets stay where they are. No routes = the realm was deleted
   * or hibernates.
   */
  route(realm: Pick<Realm, 'metadata'>, routes: RealmPlan['routes']): void
}
