import { keyText } from '../../../crds/object.ts'
import type { RealmFacts, ShownCondition } from './realm-facts.ts'

/** `error`: players are affected; `warning`: they will be, or some are; `change`: the operator is at work. */
export type Severity = 'error' | 'warning' | 'change'

/** Something that a person who looks at the console should know. */
export interface ShownProblem {
  id: string
  severity: Severity
  /** The realm by namespace and name; absent for what realms share. */
  realm?: string
  subject: string
  reason: string
  message: string
  /** RFC 3339. */
  since: string
}

/** How bad it is when a condition is not as it should be. Other conditions are shown with their realm only. */
const WHEN_FALSE: Readonly<Record<string, Severity>> = {
  Ready: 'error',
  AcceptingPlayers: 'error',
  Published: 'error',
  DependenciesReady: 'error',
  CertificateValid: 'warning',
  RouteAccepted: 'error',
  MovementReachable: 'warning',
  ExplorersSupported: 'warning',
  DataDurable: 'warning',
}
const WHEN_TRUE: Readonly<Record<string, Severity>> = { Stalled: 'error', Reconciling: 'change' }
/** A person asked for these, or a spec leaves nothing to do. */
const AS_ASKED = new Set(['Waiting', 'Hibernated', 'NothingToPublish', 'NotChecked', 'NotConfigured', 'NoRelay', 'Stalled'])

/** The problems that the conditions of a realm tell of. */
export function problemsOfRealm(facts: RealmFacts): ShownProblem[] {
  const { conditions, realmName, deletingSince } = facts
  const realm = keyText(facts.key)
  const found = conditions.flatMap((condition): ShownProblem[] => {
    const severity = severityOf(condition)
    if (!severity) return []
    const { type, reason, message, since } = condition
    return [{ id: `${realm} ${type}`, severity, realm, subject: `${realmName}: ${type}`, reason, message, since }]
  })
  if (deletingSince === undefined) return found
  const deletion = {
    id: `${realm} Deletion`,
    severity: 'change' as const,
    realm,
    subject: realmName,
    reason: 'Deleting',
    message: 'The Realm is being deleted; its name is free once that is over.',
    since: deletingSince,
  }
  return [...found, deletion]
}

function severityOf({ type, status, reason }: ShownCondition): Severity | undefined {
  if (AS_ASKED.has(reason)) return undefined
  if (status === 'True') return WHEN_TRUE[type]
  if (status === 'False') return WHEN_FALSE[type]
  return type in WHEN_FALSE ? 'warning' : undefined
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, change: 2 }

/** The worst first, of equally bad ones the latest first. */
export const worstFirst = (a: ShownProblem, b: ShownProblem): number =>
  rank[a.severity] - rank[b.severity] || Number(a.since < b.since) - Number(a.since > b.since) || Number(a.id > b.id) - 0.5
