import type { Seen } from '../cluster/seen.ts'
import type { Check } from '../output/checks.ts'

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
