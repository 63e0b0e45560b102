import type { Readiness } from '../../cells/chassis/health.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import type { CellPlan, RealmPlan, ServicePlan } from '../desired/plan.ts'

/** What a host needs to know to run a cell. */
export interface CellRunSpec {
  cell: CommsCell
  plan: CellPlan
}

/** What a host needs to know to run a service of a realm. */
export interface ServiceRunSpec {
  realm: Pick<Realm, 'metadata'>
  plan: ServicePlan
}

/** Something a host runs. Stopping it is graceful: a cell drains first. */
export interface RunningPart<Order> extends Running {
  readiness(): Readiness
  /** Applies a changed order while players stay. False = only a new start will do, and nothing was changed. */
  update(order: Order): Promise<boolean>
}

/** Runs the parts of realms on this machine, in this process. What a start throws becomes a condition, and it is tried again. */
export interface LocalRuntime {
  /** One process runs the whole cell, however many connectors it asks for. */
  startCell(order: CellRunSpec): Promise<RunningPart<CellRunSpec>>
  startService(order: ServiceRunSpec): Promise<RunningPart<ServiceRunSpec>>
  /** Leads the stable URL of each slot of a realm to the cell of that name; open sockets stay where they are. No slots = the realm is gone or hibernates. */
  route(realm: Pick<Realm, 'metadata'>, slots: RealmPlan['routes']): void
}
