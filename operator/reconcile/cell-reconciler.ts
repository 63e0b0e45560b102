import { planCell } from '../desired/plan.ts'
import { cellsBeside, playersOfCell } from '../desired/status/cell-players.ts'
import { cellStatus } from '../desired/status/cell-status.ts'
import { type Failure, patienceLeftMs } from '../desired/status/conditions.ts'
import { missingFields, outdatedCrdStatus } from '../desired/status/outdated-crd.ts'
import { workloadsOf } from '../desired/topology.ts'
import { CRD_RECHECK, failureOf, isEndOfNamespace, TERMINATING } from './failure.ts'
import type { Reconcile, ReconcilerParts } from './parts.ts'

const busMissing: Failure = {
  reason: 'BusMissing',
  message: 'the connectors and the archipelago of a cell talk over NATS: set spec.nats',
}

/** While a slot has two cells: which of them has its players is in the status of the realm, and a change of that starts no pass here. */
const SHARED_SLOT_RECHECK_MS = 10_000

/** Observe, plan, realize, report: one cell and its services. */
export const cellReconciler =
  ({ cluster, site, playerCounts, installations, clock }: ReconcilerParts): Reconcile =>
  async (key, signal) => {
    const cell = cluster.cell(key)
    if (!cell || cell.metadata.deletionTimestamp) return 'on-change'
    const realm = cluster.realm({ namespace: key.namespace, name: cell.spec.realmRef.name })
    if (realm && (await installations?.managerOf(realm))) return 'on-change' // a change of its realm starts a new pass
    const missing = missingFields('CommsCell', cell)
    if (missing.length > 0) {
      await cluster.reportCell(cell, outdatedCrdStatus('CommsCell', cell, missing, clock.now()))
      return CRD_RECHECK
    }
    const observed = cluster.observeCell(cell)
    const impossible = site.distributed && !cell.spec.nats ? busMissing : undefined
    const failed = impossible ? undefined : await failureOf(() => cluster.realizeCell(cell, planCell(cell, observed)))
    signal.throwIfAborted()
    if (isEndOfNamespace(failed)) return TERMINATING
    const failure = impossible ?? failed?.failure
    const counted = playerCounts?.get({ namespace: key.namespace, name: cell.spec.realmRef.name })
    // Read again: the status describes what the pass left behind, so that changed pods count as not updated from the first
    // moment.
    const changed = cluster.observeCell(cell)
    const now = clock.now()
    const cells = realm ? cluster.observeRealm(realm).cells : []
    const players = playersOfCell(realm, cell, changed, cells, counted?.bySlot)
    await cluster.reportCell(cell, cellStatus({ cell, observed: changed, players, failure, now }))
    if (failed) throw failed.thrown
    const recheckMs = cellsBeside(cell, cells).length > 0 ? SHARED_SLOT_RECHECK_MS : undefined
    const delaysMs = [recheckMs, patienceLeftMs(workloadsOf(cell, changed), now)].filter((ms) => ms !== undefined)
    return delaysMs.length === 0 ? 'on-change' : { afterMs: Math.min(...delaysMs) }
  }
