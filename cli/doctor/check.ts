import type { Seen } from '../cluster/seen.ts'

/** How a check ended; `skipped` = it could not be made, or there is nothing to check. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped'

/** One check of a doctor. With `-o json` this is an element of `checks`; fields may be added, and none changes its meaning. */
export interface Check {
  /** Scripts may match on it. */
  name: string
  /** The object it is about, such as `Realm metaverse/main`; absent = the cluster or the installation. */
  of?: string
  state: CheckState
  /** What was seen; of a skipped check, why nothing was. */
  seen: string
  /** A command, or a field with a value for it. */
  fix?: string
}

/** A check of what was read; skipped where it could not be. */
export function checkOf<T>(name: string, what: Seen<T>, judge: (value: T) => Omit<Check, 'name'>): Check {
  return 'unseen' in what ? { name, state: 'skipped', seen: what.unseen } : { name, ...judge(what.value) }
}

export const passed = (seen: string): Pick<Check, 'state' | 'seen'> => ({ state: 'ok', seen })
export const warning = (seen: string, fix?: string): Pick<Check, 'state' | 'seen' | 'fix'> => ({
  ...{ state: 'warning', seen },
  ...(fix !== undefined && { fix }),
})
export const failed = (seen: string, fix?: string): Pick<Check, 'state' | 'seen' | 'fix'> => ({
  ...{ state: 'failed', seen },
  ...(fix !== undefined && { fix }),
})
export const skipped = (seen: string): Pick<Check, 'state' | 'seen'> => ({ state: 'skipped', seen })
