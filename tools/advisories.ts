import { readFileSync } from 'node:fs'

/** A known vulnerability of a package, in the terms of https://osv.dev. */
export interface Advisory {
  id: string
  package: string
  /** Versions from `introduced` on and before `fixed`; without `fixed`, every later one too. */
  affected: readonly { introduced: string; fixed?: string }[]
  about: string
  /** Why the product may ship an affected version. */
  accepted?: string
}

/** What is known of packages of the image; the audit of the registry knows what was found since. */
export const advisories = JSON.parse(readFileSync(new URL('./advisories.json', import.meta.url), 'utf8')) as readonly Advisory[]

/** Whether a version has the vulnerability. A pre-release counts as its release. */
export const isAffected = (advisory: Advisory, version: string): boolean =>
  advisory.affected.some(
    ({ introduced, fixed }) => compare(version, introduced) >= 0 && (fixed === undefined || compare(version, fixed) < 0),
  )

function compare(one: string, other: string): number {
  const [left, right] = [one, other].map((version) => version.split(/[-+]/, 1)[0]?.split('.').map(Number) ?? [])
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
